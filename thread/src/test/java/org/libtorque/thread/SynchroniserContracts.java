package org.libtorque.thread;

// Every synchroniser's contract on both kinds of threads: thin classes, in one file. Test runners find them by their class files.

class MutexOnPlatformThreadsTest extends MutexContract {
    MutexOnPlatformThreadsTest() { super(Crew.Kind.PLATFORM); }
}

class MutexOnVirtualThreadsTest extends MutexContract {
    MutexOnVirtualThreadsTest() { super(Crew.Kind.VIRTUAL); }
}

class CondVarOnPlatformThreadsTest extends CondVarContract {
    CondVarOnPlatformThreadsTest() { super(Crew.Kind.PLATFORM); }
}

class CondVarOnVirtualThreadsTest extends CondVarContract {
    CondVarOnVirtualThreadsTest() { super(Crew.Kind.VIRTUAL); }
}

class SemaphoreOnPlatformThreadsTest extends SemaphoreContract {
    SemaphoreOnPlatformThreadsTest() { super(Crew.Kind.PLATFORM); }
}

class SemaphoreOnVirtualThreadsTest extends SemaphoreContract {
    SemaphoreOnVirtualThreadsTest() { super(Crew.Kind.VIRTUAL); }
}

class RwLockOnPlatformThreadsTest extends RwLockContract {
    RwLockOnPlatformThreadsTest() { super(Crew.Kind.PLATFORM); }
}

class RwLockOnVirtualThreadsTest extends RwLockContract {
    RwLockOnVirtualThreadsTest() { super(Crew.Kind.VIRTUAL); }
}

class BarrierOnPlatformThreadsTest extends BarrierContract {
    BarrierOnPlatformThreadsTest() { super(Crew.Kind.PLATFORM); }
}

class BarrierOnVirtualThreadsTest extends BarrierContract {
    BarrierOnVirtualThreadsTest() { super(Crew.Kind.VIRTUAL); }
}

class FutexOnPlatformThreadsTest extends FutexContract {
    FutexOnPlatformThreadsTest() { super(Crew.Kind.PLATFORM); }
}

class FutexOnVirtualThreadsTest extends FutexContract {
    FutexOnVirtualThreadsTest() { super(Crew.Kind.VIRTUAL); }
}
