package org.libtorque.event;

/** Called with a child that has just been started, before anything of it is reported: the place to say what is to be called. */
@FunctionalInterface
public interface ChildHandler {
    /**
     * @param child on whose vcore this runs, under its colour
     * @throws Exception anything; goes to the failure handler, and the child goes on
     */
    void onStart(ChildProcess child) throws Exception;
}
