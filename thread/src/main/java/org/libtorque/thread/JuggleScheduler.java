package org.libtorque.thread;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Queues per vcore, balanced before anybody is idle: once in a period, threads that have had less time than others and wait on vcores with many threads change places with threads that have
 * had more, on vcores with few. So threads that compute in step (three on two vcores, say) all get on equally fast, where stealing alone would leave them where they are, since no vcore
 * ever runs out of work. After Juggle (Hofmeyr, Colmenares, Iancu, Kubiatowicz: proactive load balancing on multicore computers, HPDC 2011).
 *
 * <p>Whoever makes the first decision after the end of a period does it for all: it sorts the threads that can run by what they have had in the period, and swaps from both ends as
 * long as the difference is more than a tenth of the period. Threads that run at the moment go where they belong when they next yield or are preempted
 * ({@link Uthreads#schedulingPeriod}).
 *
 * <p>It keeps its accounts in {@link Uthread#attachment}, and reads the clock twice for each switch.
 */
public final class JuggleScheduler extends PerVcoreScheduler {
    private final long periodNanos;
    private final AtomicLong nextBalance = new AtomicLong(Long.MIN_VALUE);
    private volatile long swaps;

    /** What a thread has had. Written by the vcore that runs it; others read it as a hint. */
    private static final class Account {
        long nanos;
        long atLastBalance;
    }

    /** A thread that can run, when accounts are taken. */
    private record Standing(ScheduledUthread thread, int vcore, long had) {}

    /** @param period how often to balance; several times the scheduling period, such as 100 ms */
    public JuggleScheduler(Duration period) {
        if (period.isNegative() || period.isZero()) throw new IllegalArgumentException("the period must be positive, not " + period);
        periodNanos = Parker.nanosOf(period);
    }

    /** Returns how many pairs of threads have changed places. Any thread. */
    public long swaps() { return swaps; }

    @Override void runThread(VcoreContext here, Uthread thread) {
        Account account = (Account) thread.attachment();
        if (account == null) thread.attach(account = new Account());
        long begin = here.vcore().clock().nanoTime();
        here.run(thread);
        long end = here.vcore().clock().nanoTime();
        account.nanos += end - begin;
        long next = nextBalance.get();
        if ((next == Long.MIN_VALUE || end - next >= 0) && nextBalance.compareAndSet(next, end + periodNanos) && next != Long.MIN_VALUE) balance();
    }

    /** By one at a time, at most once in a period. */
    private void balance() {
        List<Standing> all = new ArrayList<>();
        int[] load = new int[maxVcores()];
        for (int i = 0; i < load.length; i++) {
            VcoreContext context = context(i);
            if (context == null || context.isParked()) continue;
            for (ScheduledUthread u : queueOf(i).snapshot()) enter(all, load, u, i);
            if (context.current() instanceof ScheduledUthread u) enter(all, load, u, i);
            else if (pausedOn(i) instanceof ScheduledUthread u) enter(all, load, u, i);
        }
        all.sort(Comparator.comparingLong(Standing::had));
        for (int low = 0, high = all.size() - 1; low < high; ) {
            Standing behind = all.get(low);
            Standing ahead = all.get(high);
            if (ahead.had - behind.had <= periodNanos / 10) break;
            if (load[behind.vcore] > load[ahead.vcore]) {
                move(behind, ahead.vcore);
                move(ahead, behind.vcore);
                swaps++; // one writer at a time, ordered by nextBalance
                low++;
                high--;
            } else if (load[behind.vcore] <= 1) {
                low++; // it had all of its vcore, and has been away
            } else {
                high--;
            }
        }
    }

    private static void enter(List<Standing> all, int[] load, ScheduledUthread thread, int vcore) {
        load[vcore]++;
        if (!(thread.attachment() instanceof Account account)) return; // it has not run yet
        all.add(new Standing(thread, vcore, account.nanos - account.atLastBalance));
        account.atLastBalance = account.nanos;
    }

    private void move(Standing standing, int to) {
        standing.thread.affinity = to;
        if (!queueOf(standing.vcore).remove(standing.thread)) return; // it runs, and will go there
        queueOf(to).add(standing.thread);
        context(to).wake();
    }

    @Override public String toString() { return "juggle"; }
}
