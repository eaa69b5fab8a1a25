package org.libtorque.vcore;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.IIII_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/**
 * {@link Inbox} under posters and an owner that run at the same time. Messages are numbers from 1 on; 0 stands for
 * 'poll returned null'. The arbiter runs when all actors have ended, and drains as the owner.
 */
public class InboxStress {
    private static int number(Message message) { return message == null ? 0 : message.number; }

    private static int bit(boolean b) { return b ? 1 : 0; }

    /** Its field is plain, so that a missing release or acquire shows as a 0 that was polled. */
    static final class Message {
        int number;

        Message(int number) { this.number = number; }
    }

    /** Two posters at once: both messages arrive, in either order. */
    @JCStressTest
    @Outcome(id = {"1, 2, 0, 0", "2, 1, 0, 0"}, expect = Expect.ACCEPTABLE, desc = "both arrive, once")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a message was lost, doubled or not wholly visible")
    @State public static class TwoPosters {
        private final Inbox<Message> inbox = new Inbox<>(4);

        @Actor public void first() { inbox.offer(new Message(1)); }

        @Actor public void second() { inbox.offer(new Message(2)); }

        @Arbiter public void drain(IIII_Result r) {
            r.r1 = number(inbox.poll());
            r.r2 = number(inbox.poll());
            r.r3 = number(inbox.poll());
            r.r4 = inbox.size();
            inbox.checkInvariants();
        }
    }

    /** Two posters, and the owner takes twice meanwhile; the arbiter takes what is left. */
    @JCStressTest
    @Outcome(id = {"0, 0, 1, 2", "0, 0, 2, 1"}, expect = Expect.ACCEPTABLE, desc = "the owner was too early twice")
    @Outcome(id = {"0, 1, 2, 0", "0, 2, 1, 0"}, expect = Expect.ACCEPTABLE, desc = "the owner was too early once")
    @Outcome(id = {"1, 0, 2, 0", "2, 0, 1, 0"}, expect = Expect.ACCEPTABLE, desc = "too early for the second")
    @Outcome(id = {"1, 2, 0, 0", "2, 1, 0, 0"}, expect = Expect.ACCEPTABLE, desc = "the owner took both")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a message was lost, doubled or not wholly visible")
    @State public static class TwoPostersAndTheOwner {
        private final Inbox<Message> inbox = new Inbox<>(4);

        @Actor public void first() { inbox.offer(new Message(1)); }

        @Actor public void second() { inbox.offer(new Message(2)); }

        @Actor public void owner(IIII_Result r) {
            r.r1 = number(inbox.poll());
            r.r2 = number(inbox.poll());
        }

        @Arbiter public void drain(IIII_Result r) {
            r.r3 = number(inbox.poll());
            r.r4 = number(inbox.poll());
            inbox.checkInvariants();
        }
    }

    /** One poster's messages come in its order. */
    @JCStressTest
    @Outcome(id = {"0, 0, 1, 2", "0, 1, 2, 0", "1, 0, 2, 0", "1, 2, 0, 0"}, expect = Expect.ACCEPTABLE,
            desc = "1 before 2")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost, doubled or overtaken")
    @State public static class OnePosterTwice {
        private final Inbox<Message> inbox = new Inbox<>(2);

        @Actor public void poster() {
            inbox.offer(new Message(1));
            inbox.offer(new Message(2));
        }

        @Actor public void owner(IIII_Result r) {
            r.r1 = number(inbox.poll());
            r.r2 = number(inbox.poll());
        }

        @Arbiter public void drain(IIII_Result r) {
            r.r3 = number(inbox.poll());
            r.r4 = number(inbox.poll());
            inbox.checkInvariants();
        }
    }

    /** The inbox is full; a poster tries while the owner takes. */
    @JCStressTest
    @Outcome(id = "0, 1, 2, 0", expect = Expect.ACCEPTABLE, desc = "full: refused, the others are there")
    @Outcome(id = "1, 1, 2, 3", expect = Expect.ACCEPTABLE, desc = "room was made: accepted, and behind the others")
    @Outcome(expect = Expect.FORBIDDEN, desc = "accepted and lost, refused and there, or one was overwritten")
    @State public static class FullAndTheOwner {
        private final Inbox<Message> inbox = new Inbox<>(2);

        public FullAndTheOwner() {
            inbox.offer(new Message(1));
            inbox.offer(new Message(2));
        }

        @Actor public void poster(IIII_Result r) { r.r1 = bit(inbox.offer(new Message(3))); }

        @Actor public void owner(IIII_Result r) { r.r2 = number(inbox.poll()); }

        @Arbiter public void drain(IIII_Result r) {
            r.r3 = number(inbox.poll());
            r.r4 = number(inbox.poll());
            inbox.checkInvariants();
        }
    }

    /** Two posters and room for one. */
    @JCStressTest
    @Outcome(id = "1, 0, 1, 0", expect = Expect.ACCEPTABLE, desc = "the first got the last cell")
    @Outcome(id = "0, 1, 2, 0", expect = Expect.ACCEPTABLE, desc = "the second got it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both, neither, or another's message")
    @State public static class TwoPostersForTheLastCell {
        private final Inbox<Message> inbox = new Inbox<>(2);

        public TwoPostersForTheLastCell() { inbox.offer(new Message(9)); }

        @Actor public void first(IIII_Result r) { r.r1 = bit(inbox.offer(new Message(1))); }

        @Actor public void second(IIII_Result r) { r.r2 = bit(inbox.offer(new Message(2))); }

        @Arbiter public void drain(IIII_Result r) {
            boolean nineFirst = number(inbox.poll()) == 9;
            r.r3 = nineFirst ? number(inbox.poll()) : -1;
            r.r4 = number(inbox.poll());
            inbox.checkInvariants();
        }
    }

    /** Two posters at a full inbox from which the owner takes one: at most one gets in, and refusals are true. */
    @JCStressTest
    @Outcome(id = {"0, 0, 1, 0", "1, 0, 1, 3", "0, 1, 1, 4"}, expect = Expect.ACCEPTABLE, desc = "at most one got in")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both got in, or another's message did")
    @State public static class TwoPostersForTheCellThatIsFreed {
        private final Inbox<Message> inbox = new Inbox<>(2);

        public TwoPostersForTheCellThatIsFreed() {
            inbox.offer(new Message(1));
            inbox.offer(new Message(2));
        }

        @Actor public void first(IIII_Result r) { r.r1 = bit(inbox.offer(new Message(3))); }

        @Actor public void second(IIII_Result r) { r.r2 = bit(inbox.offer(new Message(4))); }

        @Actor public void owner(IIII_Result r) { r.r3 = number(inbox.poll()); }

        @Arbiter public void drain(IIII_Result r) {
            boolean twoFirst = number(inbox.poll()) == 2;
            r.r4 = twoFirst ? number(inbox.poll()) : -1;
            inbox.checkInvariants();
        }
    }

    /** Several laps of the smallest inbox: what was accepted comes out, in order, and nothing else. */
    @JCStressTest
    @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "received is what was accepted")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lost, doubled, overtaken, or a refused one came")
    @State public static class Laps {
        private static final int COUNT = 6;
        private final Inbox<Message> inbox = new Inbox<>(2);
        private long accepted;
        private long received;

        @Actor public void poster() {
            long list = 0;
            for (int i = 1; i <= COUNT; i++) {
                if (inbox.offer(new Message(i))) list = list << 4 | i;
            }
            accepted = list;
        }

        @Actor public void owner() { received = take(COUNT, 0); }

        private long take(int polls, long list) {
            for (int i = 0; i < polls; i++) {
                Message message = inbox.poll();
                if (message != null) list = list << 4 | message.number & 15;
            }
            return list;
        }

        @Arbiter public void drain(I_Result r) {
            received = take(3, received);
            inbox.checkInvariants();
            r.r1 = bit(received == accepted && inbox.isEmpty());
        }
    }

    /** What the owner sees as not empty it can take. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "empty, and nothing came in between")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "empty, then it came")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "there, and taken")
    @Outcome(expect = Expect.FORBIDDEN, desc = "there, but could not be taken")
    @State public static class EmptyThenPoll {
        private final Inbox<Message> inbox = new Inbox<>(2);

        @Actor public void poster() { inbox.offer(new Message(1)); }

        @Actor public void owner(II_Result r) {
            r.r1 = bit(!inbox.isEmpty());
            r.r2 = number(inbox.poll());
        }
    }
}
