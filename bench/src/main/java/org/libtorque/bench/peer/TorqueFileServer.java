package org.libtorque.bench.peer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.libtorque.Torque;
import org.libtorque.TorqueOptions;
import org.libtorque.event.Connection;
import org.libtorque.event.FileRoot;
import org.libtorque.event.OpenFile;
import org.libtorque.hardware.CpuSet;
import org.libtorque.memory.ByteView;
import org.libtorque.vcore.Backend;
import org.libtorque.vcore.Color;
import picocli.CommandLine.Option;

/** Sends files with libtorque: each as one request, or opened, sent and closed by hand. */
public final class TorqueFileServer extends PeerOptions {
    enum How { oneshot, byhand }

    @Option(names = "--how", defaultValue = "oneshot", description = "oneshot or byhand")
    How how;

    @Option(names = "--backend", defaultValue = "IO_URING", description = "EPOLL or IO_URING")
    Backend backend;

    @Option(names = "--root", required = true, description = "folder of the files")
    Path folder;

    private FileRoot root;
    private Torque torque;
    private LoopWatch watch;

    private TorqueFileServer() {}

    /** Serves until the process is ended. */
    public static void main(String[] args) { run(new TorqueFileServer(), args); }

    @Override public Integer call() throws IOException, InterruptedException {
        root = FileRoot.open(folder);
        torque = Torque.open(TorqueOptions.defaults().withCpus(CpuSet.of(CpuSet.allowed().toArray()[0])).withBackend(backend));
        Color ofWatch = torque.vcores().getFirst().newColor().pin();
        Runnable again = torque.callback(ofWatch, () -> watch.run()); // allocates nothing: collections of garbage are sleeps too
        watch = new LoopWatch(next -> again.run()); // one vcore: the same thread as the connections'
        torque.listen(address(), c -> c.onRead(this::answer));
        torque.block(() -> ready("libtorque " + how + " " + backend));
        return 0;
    }

    private void answer(Connection c, ByteView data) throws IOException {
        if (data.length() < FileProtocol.REQUEST_BYTES) return;
        int number = Integer.reverseBytes(data.getInt(0)); // the client asks for one at a time
        data.consume(FileProtocol.REQUEST_BYTES);
        switch (number) {
            case FileProtocol.WATCH -> {
                watch.start();
                c.write(FileProtocol.head(0));
            }
            case FileProtocol.REPORT -> {
                c.write(FileProtocol.head(FileProtocol.REPORT_BYTES));
                c.write(watch.report());
            }
            default -> {
                if (how == How.oneshot) sendAtOnce(c, number);
                else sendByHand(c, number);
            }
        }
    }

    private void sendAtOnce(Connection c, int number) {
        c.sendFile((out, file) -> out.put(FileProtocol.head(file.size())), root.file(FileProtocol.name(number)), 0, -1, (self, sent, failure) -> {
            if (failure == null) return;
            System.err.println(failure);
            self.abort();
        });
    }

    private void sendByHand(Connection c, int number) throws IOException {
        byte[] name = FileProtocol.name(number).getBytes(StandardCharsets.US_ASCII);
        OpenFile file = root.open(name, name.length);
        c.write(FileProtocol.head(file.size()));
        c.sendFile(file, 0, file.size(), self -> file.close());
    }
}
