package org.libtorque.vcore;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a vcore does when it is parked: sends away all that others can do, and then blocks in the kernel with nothing registered that could wake it.
 *
 * <p>{@code WORKING -Scoreboard.park, next turn-> PARKED (leaving, until all that can leave has left) -Scoreboard.resume, next turn-> WORKING}. Whether it is to be parked is
 * a bit on the scoreboard, which anybody may change at any time; the vcore looks at it once a turn and, as the last thing before it blocks, after it has announced that
 * ({@link WakeGate}). So no change is missed. One that was undone before the vcore looked is nothing to follow, but its listeners are told of every resume all the same: they may have
 * seen the bit set, and have stopped. Hence {@code resumes}, which is counted before the bit is cleared and read after it: whoever reads the bit of after a resume reads its
 * count too, and a count that is read before the bit is cleared is followed by a change of the bit.
 *
 * <p>What leaves, and how:
 * <ul>
 * <li>a colour with nothing registered has its home changed, and goes to the inbox of a vcore that works;
 * <li>a colour with sources or timers moves with them, as any colour that moves ({@link Resident}). Those that have something to do move when they turn up; idle ones are
 *     looked up once, in the event queue and on the wheel, and moved in steps, so that neither this vcore nor those that they go to are busy with it for long;
 * <li>a colour that is at home elsewhere goes there. One that another vcore runs moves to that one ({@link Vcore}), or is idle again soon and found in the next step.
 * </ul>
 * What stays are pinned colours and those that cannot move at present: they run here as before, and what has become movable leaves at the end of its turn. When the runtime
 * stops, nothing leaves any more.
 *
 * <p>{@linkplain Vcore#seat Seated} colours come back when the vcore works again.
 *
 * <p>The owner's, except {@link #seat}, {@link #unseat} and {@link #countResume}.
 */
final class Parking {
    /** Colours that set out in one step. */
    private static final int BATCH = 64;
    /** Colours on their way to one vcore above which no step adds to them. */
    private static final int MAX_ARRIVING = 128;
    private static final long STEP_NANOS = 1_000_000;
    private static final long MAX_STEP_NANOS = 64_000_000;

    /** Brings a colour back to its seat. Runs where the colour is at home. */
    private static final class Seat extends Task {
        private final Vcore vcore;

        Seat(Color color, Vcore vcore) {
            super(color);
            this.vcore = vcore;
            runAtHome(true);
        }

        @Override protected void run() {
            if (color().home() != vcore && !vcore.isParked()) color().movingTo = vcore; // at the end of the turn
        }
    }

    private final Vcore vcore;
    private final Scoreboard board;
    private final int position;
    private final ArrayList<Seat> seats = new ArrayList<>(); // guarded by itself
    /** Of higher layers; told in vcore context when it has been parked, and after each resume. */
    final CopyOnWriteArrayList<Runnable> listeners = new CopyOnWriteArrayList<>();
    /** Colours with something registered here, as far as they have not left. */
    private final ArrayDeque<Color> leaving = new ArrayDeque<>();
    private long step;
    private long nextStep;
    private int turn;
    /** Colours that each position has been sent since this vcore was parked; made when it first is. */
    private int[] sent;
    private boolean parked;
    private int seenResumes;
    /** Written by whoever resumes the vcore, read by the vcore. */
    private final AtomicInteger resumes = new AtomicInteger();

    Parking(Vcore vcore, Scoreboard board, int position) {
        this.vcore = vcore;
        this.board = board;
        this.position = position;
    }

    boolean isParked() { return parked; }

    /** Any thread: the vcore is about to be resumed. */
    void countResume() { resumes.getAndIncrement(); }

    /** Tells whether the scoreboard says something else than what is done, or has said it meanwhile. */
    boolean mustFollow() { return board.isParked(position) != parked || resumes.get() != seenResumes; }

    /** Begins or ends to be parked, if the scoreboard says so, and takes a step. Once a turn, behind the inbox. */
    void follow() {
        if (mustFollow()) {
            boolean shallPark = board.isParked(position);
            seenResumes = resumes.get(); // behind the bit
            if (parked != shallPark) {
                parked = shallPark;
                if (parked) park();
                else resume();
            }
            for (Runnable listener : listeners) vcore.tell(listener);
        }
        if (parked && !leaving.isEmpty()) step();
    }

    private void park() {
        step = STEP_NANOS;
        nextStep = vcore.now();
        sent = new int[board.size()];
        EventQueue queue = vcore.queue();
        queue.forEachSource(source -> {
            if (source.home() == queue) leaving.add(source.color());
        });
        vcore.timers().forEach(timer -> {
            if (timer.color() != null) leaving.add(timer.color());
        });
        vcore.sendAwayWhatWaits();
    }

    private void resume() {
        leaving.clear();
        sent = null;
        synchronized (seats) {
            for (Seat seat : seats) seat.postSurely(); // also for those that are just leaving
        }
    }

    private void step() {
        if (board.isClosing()) {
            leaving.clear();
            return;
        }
        if (nextStep - vcore.now() > 0) return;
        int moved = 0;
        for (int i = leaving.size(); i > 0 && moved < BATCH; i--) {
            Color color = leaving.poll();
            if (color.home() != vcore || color.isPinned()) continue;
            if (!color.tryHold()) { // it has something to do, here or elsewhere; or it is on its way
                leaving.add(color);
                continue;
            }
            Vcore target = refuge();
            if (target == null || target.arrivingCount() >= MAX_ARRIVING) {
                leaving.addFirst(color);
                vcore.release(color);
                break;
            }
            if (color.residentCount > 0 && sendTo(color, target)) moved++;
            else vcore.release(color); // if it can move later, it will at the end of a turn
        }
        step = moved > 0 ? STEP_NANOS : Math.min(MAX_STEP_NANOS, 2 * step);
        nextStep = vcore.now() + step;
    }

    /** Returns how long the vcore may block. */
    long limit(long timeoutNanos) {
        return leaving.isEmpty() ? timeoutNanos : Math.min(timeoutNanos, Math.max(0, nextStep - vcore.clock().nanoTime()));
    }

    /** Passes on a colour that the vcore holds, with its tasks. Returns false if it must stay. */
    boolean sendAway(Color color) {
        if (color.home() == vcore) return sendTo(color, refuge());
        if (!color.mayRoam() || board.isClosing()) return false;
        color.home().deliver(color);
        return true;
    }

    private boolean sendTo(Color color, Vcore target) {
        if (target == null || !color.mayRoam()) return false;
        if (color.residentCount == 0) {
            // As for those that move: the target sees that something is on its way, or this sees that the runtime is stopping.
            target.expect();
            boolean closing = board.isClosing();
            if (!closing) {
                color.home(target);
                target.deliver(color);
                sent[target.position()]++;
            }
            target.expectNoMore();
            return !closing;
        }
        if (board.isClosing()) return false;
        for (Resident r = color.residents; r != null; r = r.nextResident) if (!r.canMove()) return false;
        color.movingTo = target;
        sent[target.position()]++;
        vcore.depart(color);
        return true;
    }

    private Vcore refuge() {
        int who = board.refuge(position, turn++, sent, vcore.now());
        return who < 0 ? null : board.member(who);
    }

    // ---- seats

    /** Any thread. */
    void seat(Color color) {
        synchronized (seats) {
            seats.add(new Seat(color, vcore));
        }
    }

    /** Any thread. */
    void unseat(Color color) {
        synchronized (seats) {
            seats.removeIf(seat -> seat.color() == color);
        }
    }
}
