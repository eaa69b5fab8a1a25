package org.libtorque.thread;

// Every synchroniser's contract on all kinds of threads: thin classes, in one file. Test runners find them by their class files.

class MutexOnPlatformThreadsTest extends MutexContract {
    MutexOnPlatformThreadsTest() { super(Crew.Kind.PLATFORM); }
}

class MutexOnVirtualThreadsTest extends MutexContract {
    MutexOnVirtualThreadsTest() { super(Crew.Kind.VIRTUAL); }
}

class MutexOnUthreadsTest extends MutexContract {
    MutexOnUthreadsTest() { super(Crew.Kind.UTHREAD); }
}

class CondVarOnPlatformThreadsTest extends CondVarContract {
    CondVarOnPlatformThreadsTest() { super(Crew.Kind.PLATFORM); }
}

class CondVarOnVirtualThreadsTest extends CondVarContract {
    CondVarOnVirtualThreadsTest() { super(Crew.Kind.VIRTUAL); }
}

class CondVarOnUthreadsTest extends CondVarContract {
    CondVarOnUthreadsTest() { super(Crew.Kind.UTHREAD); }
}

class SemaphoreOnPlatformThreadsTest extends SemaphoreContract {
    SemaphoreOnPlatformThreadsTest() { super(Crew.Kind.PLATFORM); }
}

class SemaphoreOnVirtualThreadsTest extends SemaphoreContract {
    SemaphoreOnVirtualThreadsTest() { super(Crew.Kind.VIRTUAL); }
}

class SemaphoreOnUthreadsTest extends SemaphoreContract {
    SemaphoreOnUthreadsTest() { super(Crew.Kind.UTHREAD); }
}

class RwLockOnPlatformThreadsTest extends RwLockContract {
    RwLockOnPlatformThreadsTest() { super(Crew.Kind.PLATFORM); }
}

class RwLockOnVirtualThreadsTest extends RwLockContract {
    RwLockOnVirtualThreadsTest() { super(Crew.Kind.VIRTUAL); }
}

class RwLockOnUthreadsTest extends RwLockContract {
    RwLockOnUthreadsTest() { super(Crew.Kind.UTHREAD); }
}

class BarrierOnPlatformThreadsTest extends BarrierContract {
    BarrierOnPlatformThreadsTest() { super(Crew.Kind.PLATFORM); }
}

class BarrierOnVirtualThreadsTest extends BarrierContract {
    BarrierOnVirtualThreadsTest() { super(Crew.Kind.VIRTUAL); }
}

class BarrierOnUthreadsTest extends BarrierContract {
    BarrierOnUthreadsTest() { super(Crew.Kind.UTHREAD); }
}

class FutexOnPlatformThreadsTest extends FutexContract {
    FutexOnPlatformThreadsTest() { super(Crew.Kind.PLATFORM); }
}

class FutexOnVirtualThreadsTest extends FutexContract {
    FutexOnVirtualThreadsTest() { super(Crew.Kind.VIRTUAL); }
}

class FutexOnUthreadsTest extends FutexContract {
    FutexOnUthreadsTest() { super(Crew.Kind.UTHREAD); }
}
