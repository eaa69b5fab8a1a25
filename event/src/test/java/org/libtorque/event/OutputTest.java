package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.libtorque.memory.BlockPool;
import org.libtorque.sys.Errno;
import org.libtorque.sys.NativeMemory;
import org.libtorque.testkit.ManualClock;
import org.libtorque.vcore.EventQueue;
import org.libtorque.vcore.IdleQueue;
import org.libtorque.vcore.StreamSource;
import org.libtorque.vcore.Vcore;

/** The chain alone, with a kernel that takes as little as it likes. Files are sent in {@link FileSystemTest}. */
class OutputTest {
    private static final int BLOCK_BYTES = 128;

    /** Takes what {@code takes} says of the bytes that it is shown; holds them for a while if that is {@link EventQueue#PENDING}. */
    private static final class Wire extends IdleQueue {
        final ByteArrayOutputStream taken = new ByteArrayOutputStream();
        IntUnaryOperator takes = length -> length;
        long shown;
        int shownLength;

        @Override public int send(StreamSource source, long address, int length) {
            assertTrue(length > 0);
            shown = address;
            shownLength = length;
            int n = takes.applyAsInt(length);
            if (n > 0) take(n);
            return n;
        }

        void take(int n) {
            byte[] bytes = new byte[n];
            NativeMemory.copy(shown, bytes, 0, n);
            taken.writeBytes(bytes);
        }
    }

    private final BlockPool blocks = new BlockPool(BLOCK_BYTES, 1 << 20);
    private final Vcore vcore = new Vcore(0, 0, new ManualClock()::nanoTime, blocks, 100, (where, failure) -> { throw new AssertionError(failure); });
    private final Wire wire = new Wire();
    private final Loop loop;
    private final Output output = new Output();

    OutputTest() {
        vcore.bind(wire);
        loop = new Loop(vcore, 1 << 20, (where, failure) -> { throw new AssertionError(failure); }, () -> { });
    }

    @AfterEach void nothingIsLeft() {
        assertEquals(0, blocks.acquiredBlocks());
        loop.close();
        blocks.close();
        Vcore.switchTo(null);
    }

    private void put(byte[] bytes) {
        loop.sink.moveTo(output);
        loop.sink.put(bytes);
        loop.sink.leave(output);
    }

    private static byte[] bytes(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    @ParameterizedTest @MethodSource("org.libtorque.testkit.Seeds#forEach")
    void bytesGoOutInOrderHoweverFewAreTakenAtATime(long seed) {
        var random = new Random(seed);
        var put = new ByteArrayOutputStream();
        wire.takes = length -> switch (random.nextInt(4)) {
            case 0 -> EventQueue.WOULD_BLOCK;
            case 1 -> EventQueue.PENDING;
            default -> 1 + random.nextInt(length);
        };
        for (int i = 0; i < 500 || output.isInFlight() || !output.isEmpty(); i++) {
            if (i < 500 && random.nextInt(3) == 0) {
                byte[] more = bytes(random, random.nextInt(3 * BLOCK_BYTES));
                put.writeBytes(more);
                put(more);
            }
            if (output.isInFlight()) {
                if (random.nextBoolean()) continue; // more is put behind what the kernel holds
                int n = 1 + random.nextInt(wire.shownLength);
                wire.take(n);
                output.completed();
                output.taken(n, blocks);
            } else {
                Output.Outcome outcome = output.send(null, loop);
                assertEquals(outcome == Output.Outcome.IN_FLIGHT, output.isInFlight());
                assertEquals(outcome == Output.Outcome.ALL_SENT, output.isEmpty());
            }
            assertEquals(put.size() - wire.taken.size(), output.pending());
        }
        assertTrue(put.size() > 10 * BLOCK_BYTES);
        assertArrayEquals(put.toByteArray(), wire.taken.toByteArray());
    }

    @Test void blocksThatTheKernelHoldsStayUntilItIsDone() {
        put(bytes(new Random(1), 5 * BLOCK_BYTES));
        int held = blocks.acquiredBlocks();
        assertTrue(held > 5);
        wire.takes = length -> EventQueue.PENDING;
        assertEquals(Output.Outcome.IN_FLIGHT, output.send(null, loop));
        output.drop(blocks);
        assertEquals(held, blocks.acquiredBlocks());
        output.completed();
        output.release(blocks);
        assertEquals(0, output.pending());
    }

    @Test void whatTheKernelRefusesIsAFailureAndNothingIsLost() {
        put(bytes(new Random(2), 10));
        wire.takes = length -> -Errno.EPIPE;
        var source = new StreamConnection(loop, vcore.newColor(), 77);
        assertEquals(Output.Outcome.FAILED, output.send(source, loop));
        assertTrue(output.failure().getMessage().startsWith("send(fd=77)"), output.failure().getMessage());
        assertEquals(10, output.pending());
        output.drop(blocks);
        assertTrue(output.isEmpty());
    }
}
