package org.libtorque.vcore;

import java.lang.invoke.VarHandle;

/**
 * What a vcore does so that work goes from who has too much of it to who has none: offers what waits, and wakes somebody for it; takes what others offer; gives unasked; helps those
 * that do not come back; and has colours move for good. What it works on is the vcore's: run queue, offers, inbox. The owner of the vcore calls it, nobody else does.
 *
 * <p>Thresholds are times: they weigh what waiting costs against what a transfer costs, two transfers of a microsecond or so for each colour, and tens of microseconds of the kernel's for
 * waking somebody. On a machine whose vcores are all asked for as much, waiting mends itself, so they are high; where demand is skewed they are low. How they were found is
 * in {@code doc/balance.md} and {@code doc/simulator.md}.
 */
final class Balancer {
    /**
     * Work that waits here and is worth offering to those who are idle, if they are as busy as this vcore on the whole: chance has brought it here, and its data goes with it and comes
     * back the next time. And what is worth waking one of them for, which takes the kernel tens of microseconds.
     */
    private static final long WAKE_NANOS = 70_000;
    /**
     * With fewer vcores than that, fewer are idle at a time, and less is taken for the same bounds. Then the bounds for even load are lower, by the root of what part of it they are, so that
     * they cost about as much as these do with more; not while CPUs are shared with others, whose time is not there to be taken.
     */
    private static final int MANY = 8;
    /** The same if this vcore has more to do than the one who is idle, by so much of 1024: then waiting is not going to be for its own good the next time. */
    private static final long OFFER_SKEWED_NANOS = 10_000, WAKE_SKEWED_NANOS = 20_000;
    private static final int SKEW_MARGIN = 128;
    /** Of what else is asked of the CPU of whoever would take it, no more than this counts, of 1024: it has nothing to do at the moment, after all. */
    private static final int MOST_ASKED = 768;
    /** What takes as long is not worth taking for its own sake from where it is the next to run. */
    static final long LONE_NANOS = 70_000;
    /**
     * Vcores that differ by so much, of 1024, on average are a skewed machine: demand that is even is never that uneven by chance. It counts as such for a while after, since skew
     * that has been mended by moving comes back elsewhere.
     */
    private static final int SKEWED_SPREAD = 160;
    private static final long SKEW_REST_NANOS = 100_000_000;
    /** With more on offer, one more is woken for each of these, up to {@link #MAX_WOKEN} at once: each would wake another, but one after the other. */
    private static final long WAKE_EACH_NANOS = 100_000;
    private static final int MAX_WOKEN = 4;
    /** While somebody is idle, the kernel is asked again after so long, and for so many events at least: what it has nobody else can take. Sooner on a skewed machine. */
    private static final long SHARED_TURN_NANOS = 30_000, SHARED_TURN_SKEWED_NANOS = 15_000;
    static final int SHARED_WINDOW = 64;
    /** Before a turn that is expected to take as long, what waits is laid out where others find it if the owner does not come back in time; and so much at once is taken back. */
    static final int LAY_OUT_NANOS = 2_000;
    /** Who has not asked its kernel for so long has what is laid out, and events, taken by others who are idle. Less on a skewed machine. */
    private static final long OVERDUE_NANOS = 75_000, OVERDUE_SKEWED_NANOS = 40_000;
    /** How many others that seem to need help are looked after before it is given up. */
    private static final int MAX_LOOKS = 3;
    /**
     * Laid-out work that somebody who has just become idle takes, though the owner comes back in time: it saves waiting, and costs next to nothing but the transfer. Less of it if some
     * vcores are asked for more than others, by so much of 1024.
     */
    private static final long TAKE_NANOS = 50_000, TAKE_SKEWED_NANOS = 10_000;
    /**
     * While others are busy, one idle vcore in each cache domain comes back after so long to see whether one of them is overdue; after twice as long each time that it has found
     * nothing. And it comes back sooner if one is: where events cannot be taken, and so little ever is, only as soon as was of use lately.
     */
    private static final long WATCH_NANOS = 1_000_000, MAX_WATCH_NANOS = 64_000_000, WATCH_OVERDUE_NANOS = 15_000;
    /** Work that is worth giving away unasked. */
    private static final long PUSH_NANOS = 100_000;
    private static final int MAX_OFFERED = 64;
    private static final int MAX_GIVEN = 4;
    /** Before a turn that takes very long. */
    private static final int MAX_OFFERED_LONG = 64 * MAX_OFFERED;
    private static final int MAX_STOLEN = 32;
    private static final int MAX_VICTIMS = 4;
    /** Turns that others must have had of a colour, those at home counted against them, before it moves to one of them. */
    private static final int AWAY_TO_MOVE = 4;
    /**
     * How long a colour stays where it has moved to, at least: twice as long as the last time if it moves again within {@link #SOON} such times, up to {@link #MAX_REST_SHIFT}
     * doublings (10 s); and as at first when it has stayed for {@link #LONG} of them.
     */
    private static final long MOVE_REST_NANOS = 20_000_000;
    private static final int SOON = 4, LONG = 16, MAX_REST_SHIFT = 9;
    /** By how much, of 1024, the old home must have been busier than the new one. */
    private static final int MOVE_MARGIN = 64;
    /** What asks for as much of a CPU, of 1024, is heavy; and for how long it counts that there was one. */
    private static final int HEAVY = 256;
    private static final long HEAVY_REST_NANOS = 100_000_000;
    /** If the program asks for as much of a CPU, of 1024, nothing is left for a heavy colour to go faster by having others wait. */
    private static final int SATURATED = 960;

    /** {@link #WAKE_NANOS}, {@link #TAKE_NANOS}, {@link #OVERDUE_NANOS} for as many vcores as there are. */
    private final long wakeNanos, takeNanos, overdueNanos;
    private final Vcore vcore;
    private final Clock clock;
    private final Scoreboard board;
    private final int position;
    private final Balance balance;
    private final RunQueue own;
    private final Offers offers;

    private long watchNanos = WATCH_NANOS, watchOverdueNanos = WATCH_OVERDUE_NANOS;
    /** Whether the last look at others has found one that is overdue. */
    private boolean sawOverdue;
    /** Until when the machine counts as skewed. */
    private long skewedUntil;
    /** For whom events are being harvested, or null. */
    private Vcore helped;
    /** Whether this turn is about what has waited too long elsewhere. */
    private boolean helping;
    /** What takes longer is not taken from who is being helped. */
    private long longestHelped = Long.MAX_VALUE;
    private boolean hasDeclined;
    /** How many colours were left when it was laid out last what waits here, because they must stay, or had no room. */
    private int leftOver;
    /** Whether it is this one that watches. */
    private boolean watches;
    /** Who is to have some of what is at home here, or null. */
    private Vcore relief;
    /** Until when it counts that a heavy colour is at home here. */
    private long heavyUntil;
    /** The expected CPU time of what was given away and not yet counted. */
    private long givenNanos;
    private int random;

    /** @param vcore has joined its board and has its queues */
    Balancer(Vcore vcore) {
        this.vcore = vcore;
        clock = vcore.clock();
        board = vcore.board;
        position = vcore.position;
        balance = vcore.balance;
        own = vcore.own;
        offers = vcore.offers;
        skewedUntil = heavyUntil = vcore.now;
        double part = Math.sqrt(Math.min(1, (double) board.size() / MANY));
        wakeNanos = (long) (WAKE_NANOS * part);
        takeNanos = (long) (TAKE_NANOS * part);
        overdueNanos = Math.max(OVERDUE_SKEWED_NANOS, (long) (OVERDUE_NANOS * part));
        random = 0x9E3779B9 * (vcore.index() + 1);
    }

    // -------------------------------------------------------------------------------------------------------------- offering

    /** Before a colour's turn: others may have what waits if somebody is idle, or if the turn is long. */
    void share(Color color) {
        vcore.runningLong = color.cost >= Vcore.LONG_NANOS;
        if (vcore.runningLong || !board.nobodyIdle()) offer(color);
        if (own.size() <= leftOver) {
            leftOver = own.size();
        } else if (color.cost >= LAY_OUT_NANOS && board.size() > 1 && !board.isClosing()) { // should it take long against expectation, the others are not out of reach
            offers.layOut(own, MAX_OFFERED, vcore.virtualNow);
            leftOver = own.size();
        }
    }

    /** Lets others have what waits while a colour runs, and wakes one who is idle if it is worth it. */
    void offer(Color runs) {
        if (own.work() + offers.work() == 0 || board.isClosing()) return;
        long wait = backlog(runs.cost);
        boolean skewed = helping || isMachineSkewed() || isBusierThanWhoIsIdle();
        long evenWake = board.somebodyShares() ? WAKE_NANOS : wakeNanos;
        if (!vcore.runningLong && wait < (skewed ? OFFER_SKEWED_NANOS : evenWake)) return;
        if (own.grouped() > 0) giveWithinGroups();
        int max = vcore.runningLong ? Math.min(MAX_OFFERED_LONG, runs.cost / Vcore.LONG_NANOS * MAX_OFFERED) : MAX_OFFERED; // the longer it takes, the more
        long work = offers.offer(own, max, vcore.virtualNow, vcore.runningLong, vcore.turnStart + runs.cost);
        if (work <= 0 || !vcore.runningLong && wait < (skewed ? WAKE_SKEWED_NANOS : evenWake)) return;
        VarHandle.fullFence(); // StoreLoad: the offer before the look at who is idle; partner in Vcore.waitForEvents
        for (long n = Math.clamp(work / WAKE_EACH_NANOS, 1, MAX_WOKEN); n > 0 && wakeSomebody(); n--) { }
    }

    /**
     * Returns how much work waits here that others could relieve this vcore of: all of it, or, where CPUs are shared with others, all but the colour that runs last if its turn is long.
     * For that one waits for the rest, and all that taking some of it elsewhere can spare anybody is this wait; one that waits alone is the next anyway, however much it has to do.
     *
     * @param running what it is to do before all of that
     */
    long backlog(long running) {
        if (!board.somebodyShares()) return own.work() + offers.work();
        int ownLast = own.lastCost();
        long offered = offers.work();
        long offeredLast = offered - offers.backlog(); // 0 if short
        long last = ownLast < LONE_NANOS ? offeredLast : Math.max(ownLast, offeredLast);
        return own.work() + offered - last + (last == 0 ? 0 : running);
    }

    /** Whether some vcores are asked for much more than others, or have been not long ago. */
    private boolean isMachineSkewed() {
        if (board.spread(position) >= SKEWED_SPREAD) skewedUntil = vcore.now + SKEW_REST_NANOS;
        return vcore.now - skewedUntil < 0;
    }

    private boolean isBusierThanWhoIsIdle() {
        int who = board.nearestIdle(position);
        return who >= 0 && board.demand(position) >= board.demand(who) + SKEW_MARGIN;
    }

    private boolean wakeSomebody() {
        int who = board.nearestIdle(position);
        if (who < 0) return false;
        board.member(who).wakeIfBlocking();
        vcore.count(Vcore.WAKES, 1);
        return true;
    }

    /** Returns how long a turn may be while somebody is idle. */
    long sharedTurnNanos() { return isMachineSkewed() ? SHARED_TURN_SKEWED_NANOS : SHARED_TURN_NANOS; }

    /** Whether somebody would take what waits. */
    boolean isShared() { return balance.steals() && !board.nobodyIdle(); }

    // ---------------------------------------------------------------------------------------------------- stealing, helping

    /** Looks for something to do at others. Returns whether it found any. */
    boolean findWork() { return steal() || help(); }

    /** Looks for work at others, the nearest first. Returns whether it found any. */
    private boolean steal() {
        if (board.nobodyOffers() || board.isClosing() || !board.beginSearch(position)) return false;
        boolean found = false;
        for (int i = 0; i < MAX_VICTIMS && !found; i++) {
            int who = board.nearestOffering(position);
            if (who < 0) break;
            Offers theirs = board.member(who).offers;
            long longest = worthTaking(position, waitAt(theirs, vcore.now));
            found = takeAll(theirs.steal(MAX_STOLEN, longest));
            hasDeclined |= !found && longest < Long.MAX_VALUE;
        }
        board.endSearch(position);
        if (found) wakeIfMore();
        return found;
    }

    /**
     * Returns how long a turn may be, at most, for it to gain by being had on another vcore, where CPUs are shared with others. What else is asked of that CPU makes it longer, where
     * others have it meanwhile, or waits for its end: with half of the CPU asked for anyway, work that would have waited for as long as it takes is done no sooner.
     *
     * @param taker who would have it
     * @param wait  for how long it would wait otherwise
     */
    private long worthTaking(int taker, long wait) {
        if (!board.somebodyShares()) return Long.MAX_VALUE;
        int asked = Math.min(board.mostClaim(taker, vcore.now), MOST_ASKED);
        return asked < Scoreboard.SHARED_CPU ? Long.MAX_VALUE : Math.max(LONE_NANOS, wait * (1024 - asked) / asked);
    }

    /** Returns for how long what is on offer at another vcore that is not overdue waits there. */
    private static long waitAt(Offers theirs, long present) { return Math.max(0, theirs.busyUntil() - present) + theirs.backlog(); }

    /** Whether this turn has left something on offer to those who can do it faster. They, or its owner, come for it; to look again before going to sleep would find the same. */
    boolean hasDeclined() { return hasDeclined; }

    private void wakeIfMore() {
        // Who works does not search: another one shall, if there is more, of this victim or of others. StoreLoad: the end of the search before the look at who is idle;
        // partner in Vcore.waitForEvents, where somebody may have gone idle because of this search.
        VarHandle.fullFence();
        if (!board.nobodyOffers() && !board.nobodyIdle()) wakeSomebody();
    }

    /** Takes what was stolen, linked colours or null. */
    private boolean takeAll(Color color) {
        if (color == null) return false;
        long stolen = 0;
        while (color != null) {
            Color following = color.next;
            color.next = null;
            take(color);
            stolen++;
            color = following;
        }
        vcore.count(Vcore.STEALS, 1);
        vcore.count(Vcore.STOLEN, stolen);
        return true;
    }

    /**
     * Looks whether it is worth relieving somebody. One who has not come back to its event queue for long is in the middle of a long task, or its CPU has been taken away: of that one
     * it takes what is laid out, or else its inbox, or else the events that wait in the kernel; if there is nothing, it looks for another one. Of others it takes what is laid out if
     * that is much. And it looks after those that have been idle for suspiciously long: if there are events for one, its CPU may be gone.
     *
     * @return whether there was something to run
     */
    private boolean help() {
        sawOverdue = false;
        if (board.isClosing() || vcore.stopping) return false;
        boolean skewed = isMachineSkewed();
        boolean harvests = vcore.queue.othersMayHarvest();
        long present = clock.nanoTime();
        boolean shared = board.somebodyShares();
        long overdueSince = present - (skewed ? OVERDUE_SKEWED_NANOS : shared ? OVERDUE_NANOS : overdueNanos);
        long least = skewed ? TAKE_SKEWED_NANOS : shared ? TAKE_NANOS : takeNanos;
        for (int looks = MAX_LOOKS; looks > 0; looks--) {
            int who = board.needy(position, overdueSince, present, harvests, least, nextRandom());
            if (who < 0) return false;
            Vcore needy = board.member(who);
            boolean idle = board.isIdle(who);
            if (!idle && !board.isOverdue(who, overdueSince)) { // what is on offer is for those who search
                return !board.isOffering(who) && (shared ? needy.offers.backlog() : needy.offers.work()) >= least
                        && takeAll(needy.offers.steal(MAX_STOLEN, worthTaking(position, waitAt(needy.offers, present))));
            }
            board.lookedAfter(who, present);
            longestHelped = worthTaking(position, board.overdueFor(who, present) + needy.offers.backlog());
            if (!idle) {
                sawOverdue = true;
                if (takeAll(needy.offers.stealAndAnnounce(MAX_STOLEN, longestHelped))) {
                    watchOverdueNanos = WATCH_OVERDUE_NANOS;
                    wakeIfMore();
                    return true;
                }
                if (takeInbox(needy)) return true;
            }
            if (!harvests) return false;
            if (harvestFor(needy)) {
                if (idle) needy.wakeIfBlocking(); // it comes back and is idle again, or does not and is overdue
                return own.size() > 0;
            }
        }
        return false;
    }

    /** Takes the events that the kernel has for another vcore. Returns whether there were any. */
    private boolean harvestFor(Vcore needy) {
        helped = needy;
        int events = needy.queue.harvestBy(vcore.queue, SHARED_WINDOW);
        helped = null;
        if (events == 0) return false;
        vcore.count(Vcore.STEALS, 1);
        watchNanos = WATCH_NANOS;
        watchOverdueNanos = WATCH_OVERDUE_NANOS;
        helping = true;
        return true;
    }

    /**
     * Takes what others have sent to a vcore that does not come for it. What must be done there goes back into its inbox; what was to move from there stays at home,
     * since it would have to wait for that. Returns whether there was something to run.
     */
    private boolean takeInbox(Vcore overdue) {
        int taken = 0;
        for (Color color = overdue.inbox.takeAll(); color != null; ) {
            Color following = color.next;
            color.next = null;
            if (color.movingTo != null && color.movingTo != overdue) { // it has not begun to
                color.movingTo = null;
                color.turnsAway = 0;
            }
            if (mayHelpWith(color)) {
                take(color);
                taken++;
            } else {
                overdue.deliver(color); // it may be about to block by now, having found nothing
            }
            color = following;
        }
        if (taken == 0) return false;
        vcore.count(Vcore.STEALS, 1);
        vcore.count(Vcore.STOLEN, taken);
        watchOverdueNanos = WATCH_OVERDUE_NANOS;
        helping = true;
        return true;
    }

    /** Whether a colour that an event has just made runnable was found by helping its home, and can run here. */
    boolean helpsWith(Color color) { return helped == color.home() && mayHelpWith(color); }

    /** Makes such a colour run here. */
    void takeEvent(Color color) {
        take(color);
        vcore.count(Vcore.STOLEN, 1);
    }

    private boolean mayHelpWith(Color color) { return color.cost <= longestHelped && color.mayRoam() && color.mayLiveAt(vcore); }

    /** Makes a colour run here that was another's to run. */
    private void take(Color color) {
        color.busyFrom(vcore.now);
        color.goTo(vcore);
        vcore.enqueue(color);
    }

    // --------------------------------------------------------------------------------------------------------------- giving

    /** Gives colours of groups to those who are idle in the group's neighbourhood. */
    private void giveWithinGroups() {
        if (own.work() < WAKE_NANOS && !vcore.runningLong) return;
        for (int i = 0; i < MAX_GIVEN; i++) {
            Color color = own.pollLastGrouped();
            if (color == null) return;
            int who = color.mayRoam() ? board.idleIn(color.group.low(), color.group.high(), position) : -1;
            if (who < 0) {
                own.add(color, vcore.virtualNow);
                return;
            }
            Vcore receiver = board.member(who);
            color.goTo(receiver);
            board.clearIdle(who); // so the next one goes to another; before it is given something, after which it may be idle anew
            receiver.inbox.put(color);
            receiver.wakeIfBlocking();
            vcore.count(Vcore.PUSHED, 1);
        }
    }

    /** Returns the work that was given away since the last call, in nanoseconds. */
    long takeGiven() {
        long given = givenNanos;
        givenNanos = 0;
        return given;
    }

    private int nextRandom() {
        random = random * 1_664_525 + 1_013_904_223;
        return random >>> 8;
    }

    /** Gives about half of what waits to a neighbour that has nothing to do. */
    void push() {
        int waiting = own.size();
        if (waiting < 2 || backlog(0) < PUSH_NANOS || board.nobodyIdle() || board.isClosing()) return;
        int who = board.receiver(position, nextRandom());
        if (who < 0) return;
        Vcore receiver = board.member(who);
        // Counted before the second look at the mark: the receiver does not stop before they have come, or nothing is given.
        receiver.arriving.incrementAndGet();
        long given = board.isClosing() ? 0 : give(receiver, waiting / 2);
        receiver.arriving.decrementAndGet();
        if (given == 0) return;
        givenNanos += given;
        board.given(who);
        receiver.wakeIfBlocking();
    }

    private long give(Vcore receiver, int max) {
        long half = own.work() / 2;
        long longest = worthTaking(receiver.position, backlog(0));
        long given = 0;
        Color staying = null;
        Color last = null;
        for (int i = max; i > 0 && given < half; i--) {
            Color color = own.pollLast();
            if (color.cost > longest || !color.mayRoam() || !color.mayLiveAt(receiver)) {
                if (staying == null) staying = color;
                else last.next = color;
                last = color;
                continue;
            }
            given += color.cost;
            color.goTo(receiver);
            receiver.inbox.put(color);
            vcore.count(Vcore.PUSHED, 1);
        }
        while (staying != null) { // to where they were, by the times that they have
            Color color = staying;
            staying = color.next;
            own.add(color, vcore.virtualNow);
        }
        return given;
    }

    /** Ends a turn of the loop. */
    void endTurn() { helping = hasDeclined = false; }

    // ------------------------------------------------------------------------------------------------------------- watching

    /**
     * Before it waits: perhaps it is this one who is to come back by itself, to see about the others.
     *
     * @return how long to wait at most; {@link #endWatch} follows
     */
    long beginWatch(long present, long timeoutNanos) {
        watches = timeoutNanos > watchNanos && board.needy(position, present, Long.MAX_VALUE, nextRandom()) >= 0 && board.beginWatch(position);
        return watches ? Math.min(timeoutNanos, sawOverdue ? watchOverdueNanos : watchNanos) : timeoutNanos;
    }

    /** Ends what {@link #beginWatch} began. */
    void endWatch(boolean hasEvents) {
        if (!watches) return;
        watches = false;
        board.endWatch(position);
        boolean harvests = vcore.queue.othersMayHarvest();
        if (hasEvents) {
            watchNanos = WATCH_NANOS;
            if (harvests) watchOverdueNanos = WATCH_OVERDUE_NANOS;
        } else if (sawOverdue) {
            watchOverdueNanos = Math.min(2 * watchOverdueNanos, harvests ? MAX_WATCH_NANOS : WATCH_NANOS);
        } else {
            watchNanos = Math.min(2 * watchNanos, MAX_WATCH_NANOS);
        }
    }

    // --------------------------------------------------------------------------------------------------------------- moving

    /**
     * Whether a colour is to move for good, at the end of a turn here.
     *
     * @param roams whether the last task of the turn could have run elsewhere: colours of which that cannot be said, such as those of listeners, move only when their vcore is parked
     */
    boolean shouldMove(Color color, boolean roams) {
        if (color.residentCount > 0 && board.somebodyParked() && !vcore.parking.isParked() && color.home() != vcore && color.home().isParked()) {
            return !board.isClosing() && !color.isPinned();
        }
        Vcore home = color.home();
        if (home == vcore) return roams && shouldRelieve(color);
        if (!balance.migrates() || color.turnsAway < AWAY_TO_MOVE || color.residentCount == 0) return false;
        if (color.isPinned() || !color.mayLiveAt(vcore) || board.isClosing() || mustRest(color)) return false;
        if (board.isOverdue(home.position, vcore.turnStart - OVERDUE_NANOS)) return false; // it would have to wait until home has time for it
        if (demandOf(color) >= HEAVY && (board.isShared(home.position) || board.isShared(position))) {
            return wouldRelieve(home.position, position, color) && board.moves().tryTake(vcore.turnStart);
        }
        int margin = MOVE_MARGIN + color.demand(); // what it asks for itself will be asked for here: if that is all, this one would be the busier one, and it went back
        return board.demand(home.position) >= board.demand(position) + margin
                && board.lastingDemand(home.position) >= board.lastingDemand(position) + margin
                && board.moves().tryTake(vcore.turnStart);
    }

    private boolean mustRest(Color color) { return color.moved && vcore.turnStart - color.movedAt < restNanos(color); }

    private boolean isMoreShared(int who, int than) { return board.isShared(who) && board.taken(who) >= board.taken(than) + MOVE_MARGIN; }

    /** What a colour whose turns have been here asks for, of 1024 of a CPU's time. */
    private int demandOf(Color color) { return color.demand() * board.pace(position) >> 10; }

    /**
     * Looks for somebody whose CPU is asked for less than this one's, by the program and by whoever else uses it, if a heavy colour is at home here and one of the two is shared. If others
     * have less of that CPU the heavy one moves there, else what is light makes room for it, without having been stolen before: a heavy colour whose turns come one after the other never
     * waits, so nobody steals it from where the CPU is another's for half of the time; and what else is at its home waits in the kernel while it runs, and is not stolen either. One colour
     * for each time that this is asked, so that what it has changed is known before the next. Nothing goes to and fro, for each goes one way only, so no budget is needed.
     */
    void lookForRelief() {
        Vcore before = relief;
        relief = null;
        if (vcore.now - heavyUntil >= 0 || board.isClosing() || vcore.parking.isParked()) return;
        int who = board.neighbour(position, nextRandom());
        if (who < 0) return;
        if (before != null && board.mostClaim(before.position, vcore.now) <= board.mostClaim(who, vcore.now)) who = before.position;
        if (!board.isParked(who) && (isMoreShared(position, who) || isMoreShared(who, position)) && wouldRelieve(position, who, null)) relief = board.member(who);
    }

    /** Whether a vcore's CPU would still be the one that is less asked for if a colour moved there from another. */
    private boolean wouldRelieve(int from, int to, Color color) {
        // Its turns have been measured by the clock, here: where it gets less of the CPU they take no shorter.
        int asked = color == null ? 0 : isMoreShared(to, from) ? color.demand() : demandOf(color);
        return board.leastClaim(from) >= board.mostClaim(to, vcore.turnStart) + MOVE_MARGIN + asked;
    }

    /** Whether a colour that is at home here, and has just had its turn here, is to move to {@link #relief}, and sees to it that it does. */
    private boolean shouldRelieve(Color color) {
        if (color.residentCount == 0 || !balance.migrates()) return false;
        boolean heavy = color.cost >= Vcore.LONG_NANOS && demandOf(color) >= HEAVY;
        if (heavy) heavyUntil = vcore.turnStart + HEAVY_REST_NANOS;
        if (relief == null || color.turnsAway > 0 || color.isPinned() || mustRest(color) || !color.mayLiveAt(relief) || board.isClosing()) return false;
        if (heavy) {
            if (!isMoreShared(position, relief.position)) return false;
        } else if (isMoreShared(position, relief.position) || board.leastClaim(position) - board.taken(position) < SATURATED) {
            return false;
        }
        if (board.isParked(relief.position) || !wouldRelieve(position, relief.position, color)) return false;
        color.movingTo = relief;
        relief = null;
        return true;
    }

    private static long restNanos(Color color) { return MOVE_REST_NANOS << color.restShift; }

    /** At the old home: lets all residents of a colour go. */
    void depart(Color color) {
        Vcore target = color.movingTo;
        for (Resident r = color.residents; r != null; r = r.nextResident) {
            if (r.canMove()) continue;
            color.movingTo = null;
            color.turnsAway = 0;
            vcore.runnable(color);
            return;
        }
        // Counted before the look at the mark, as the target looks at the count after it has been marked: it comes here, or the target waits for it.
        target.arriving.incrementAndGet();
        if (board.isClosing()) {
            target.arriving.decrementAndGet();
            color.movingTo = null;
            vcore.runnable(color);
            return;
        }
        color.toLeave = color.residentCount + 1;
        for (Resident r = color.residents; r != null; ) {
            Resident following = r.nextResident;
            r.depart();
            r = following;
        }
        residentDeparted(color);
    }

    void residentDeparted(Color color) {
        if (--color.toLeave > 0) return;
        Vcore target = color.movingTo;
        color.home(target);
        target.inbox.put(color);
        target.wakeIfBlocking();
    }

    /** At the new home. */
    void arrive(Color color) {
        color.movingTo = null;
        if (color.moved) {
            long stayed = vcore.now - color.movedAt;
            if (stayed >= LONG * restNanos(color)) color.restShift = 0;
            else if (stayed < SOON * restNanos(color) && color.restShift < MAX_REST_SHIFT) color.restShift++;
        }
        color.moved = true;
        color.movedAt = vcore.now;
        color.turnsAway = 0;
        for (Resident r = color.residents; r != null; ) {
            Resident following = r.nextResident;
            r.arrive();
            r = following;
        }
        vcore.arriving.decrementAndGet();
        vcore.count(Vcore.MOVES, 1);
        vcore.runnable(color);
    }
}
