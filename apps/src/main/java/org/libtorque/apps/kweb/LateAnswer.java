package org.libtorque.apps.kweb;

import java.util.concurrent.Executor;

/** An answer that comes later, as those see it who make it. All but {@link #execute} is for who runs its steps. */
interface LateAnswer extends Executor {
    /** Has the next step of making it run, where the request is served. Any thread. */
    @Override void execute(Runnable step);

    /** Tells whether it is still wanted. */
    boolean isWaiting();

    /** Returns what belongs to the vcore that runs this. */
    VcoreSite here();

    /** Tells whether others should have their turn: then the next step is to be given to {@link #execute}. */
    boolean shouldYield();

    /** Gives the answer. */
    void answerWaiting(byte[] fields, byte[] body);
}
