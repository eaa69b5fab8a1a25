package org.libtorque.program;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.libtorque.Torque;
import org.libtorque.event.Condition;
import org.libtorque.event.Listener;
import org.libtorque.event.Mailbox;
import org.libtorque.vcore.Color;

/** A program with a callback of each kind that takes too long, in a package that is not the library's. */
public final class SlowProgram {
    private final Torque torque;
    private final Runnable slow;

    /** @param slow what each callback does */
    public SlowProgram(Torque torque, Runnable slow) {
        this.torque = torque;
        this.slow = slow;
    }

    /** Returns what has a callback of a kind called, by the name of the kind. */
    public Map<String, Runnable> kinds(InetSocketAddress anyPort) throws IOException {
        Color color = torque.newColor();
        Condition<String> condition = torque.condition(color, _ -> slow.run());
        Mailbox<String> mailbox = torque.mailbox(1, color, _ -> slow.run());
        Listener onOpen = torque.listen(anyPort, _ -> slow.run());
        Listener onRead = torque.listen(anyPort, connection -> connection.onRead((_, data) -> {
            data.consume(data.length());
            slow.run();
        }));
        Map<String, Runnable> kinds = new LinkedHashMap<>();
        kinds.put("post", () -> torque.post(color, () -> slow.run()));
        kinds.put("postShared", () -> torque.postShared(color, () -> slow.run()));
        kinds.put("callback", torque.callback(color, () -> slow.run()));
        kinds.put("after", () -> torque.after(Duration.ofMillis(1), color, () -> slow.run()));
        kinds.put("condition", condition::signal);
        kinds.put("mailbox", () -> mailbox.offer("mail"));
        kinds.put("onOpen", () -> connect(onOpen, 0));
        kinds.put("onRead", () -> connect(onRead, 1));
        return kinds;
    }

    /** Returns a callback with a colour. */
    public Runnable callback(Color color) { return torque.callback(color, () -> slow.run()); }

    private void connect(Listener listener, int bytes) {
        torque.connect(listener.address(), connection -> {
            if (bytes > 0) connection.write(new byte[bytes]);
        }, _ -> { });
    }
}
