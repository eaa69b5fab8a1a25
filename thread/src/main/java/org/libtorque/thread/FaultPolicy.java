package org.libtorque.thread;

/** Decides what becomes of threads with {@linkplain Fault faults}: {@link Uthreads#faultPolicy}. */
@FunctionalInterface
public interface FaultPolicy {
    /**
     * Decides. In vcore context, on the vcore that the thread has just left, perhaps on several at the same time: it must not block. It may mend what was wrong, such as the length of a mapped
     * file. What it throws is reported, and counts as {@link FaultAction#KILL}.
     *
     * @return what is to become of the thread; null counts as {@code KILL}
     */
    FaultAction decide(Uthread thread, Fault fault);
}
