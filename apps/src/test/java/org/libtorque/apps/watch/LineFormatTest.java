package org.libtorque.apps.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.libtorque.apps.watch.Line.Origin;
import org.libtorque.event.ExitStatus;
import org.libtorque.event.NetworkChange;
import org.libtorque.event.NetworkObject;
import org.libtorque.event.PathChange;
import org.libtorque.event.Pressure;
import org.libtorque.event.PressureTrigger;
import org.libtorque.event.RingEvent;
import org.libtorque.event.Signal;
import org.libtorque.event.SignalInfo;

class LineFormatTest {
    private static final Instant TIME = Instant.parse("2026-01-02T03:04:05.678901234Z");

    private static String json(String source, Object event, long count) {
        return LineFormat.JSON.text(Line.of(new Origin(source, "asked"), new RingEvent(null, event, count)), TIME);
    }

    private static String plain(String source, Object event, long count) {
        return LineFormat.PLAIN.text(Line.of(new Origin(source, "asked"), new RingEvent(null, event, count)), TIME).substring("03:04:05.678  ".length());
    }

    @Test void eachKindOfEventHasItsColumnsAndItsNames() {
        var renamed = new PathChange(PathChange.What.RENAMED, Path.of("/a/new"), Path.of("/a/old"), false);
        assertEquals("path      renamed     /a/new  from=/a/old", plain("path", renamed, 1));
        assertEquals("{\"time\":\"2026-01-02T03:04:05.678901Z\",\"source\":\"path\",\"what\":\"renamed\",\"subject\":\"/a/new\",\"from\":\"/a/old\",\"directory\":false}",
                json("path", renamed, 1));
        assertEquals("path      created     /a/d  directory", plain("path", new PathChange(PathChange.What.CREATED, Path.of("/a/d"), null, true), 1));
        assertEquals("path      lost        asked", plain("path", RingEvent.Mark.LOST, 1));
        assertEquals("timer     tick        asked  count=3", plain("timer", null, 3));
        assertEquals("pid       exited      12  code=7", plain("pid", new RingEvent.ProcessExit(12, new ExitStatus(7, null, false)), 1));
        assertEquals("pid       killed      12  signal=KILL", plain("pid", new RingEvent.ProcessExit(12, new ExitStatus(-1, new Signal(9), false)), 1));
        assertEquals("pid       ended       12", plain("pid", new RingEvent.ProcessExit(12, ExitStatus.UNKNOWN), 1));
        var signal = new SignalInfo(Signal.realTime(1), -1, 77, 1000, 1L << 40, 0);
        assertEquals("signal    RTMIN+1     35  pid=77  uid=1000  code=-1  value=1099511627776", plain("signal", signal, 1));
        assertEquals("signal    USR1        10", plain("signal", new SignalInfo(Signal.USR1, SignalInfo.UNKNOWN_CODE, -1, -1, 0, 0), 1));
        assertTrue(json("signal", signal, 1).contains("\"value\":1099511627776"));
        var trigger = PressureTrigger.some(PressureTrigger.Resource.MEMORY, Duration.ofMillis(100), Duration.ofSeconds(2));
        assertEquals("pressure  some        memory  avg10=1.5  avg60=0.25  avg300=0.0  total_us=9", plain("pressure", new Pressure(trigger, 1.5, 0.25, 0, Duration.ofNanos(9_999)), 1));
    }

    @Test void theNetworksObjectsAreShownByWhatPeopleCallThem() throws Exception {
        InetAddress address = InetAddress.getByName("10.1.2.3");
        List<NetworkObject> objects = List.of(new NetworkObject.Link(2, "eth0", true, false, false, 1500, "02:00:00:00:00:01", "veth", 0),
                new NetworkObject.Address(2, address, 24, null, "eth0", false, false, true),
                new NetworkObject.Route(InetAddress.getByName("0.0.0.0"), 0, List.of(new NetworkObject.Hop(2, address, 1)), 254, 100, "unicast", 3, 0, null, 0),
                new NetworkObject.Neighbour(2, address, null, "reachable"));
        String[] expected = {"net       added       eth0  kind=link  index=2  up  mtu=1500", "net       added       10.1.2.3/24  kind=address  link=2",
            "net       added       0.0.0.0/0  kind=route  link=2  gateway=10.1.2.3  table=254  priority=100", "net       added       10.1.2.3  kind=neighbour  link=2  state=reachable"};
        for (int i = 0; i < expected.length; i++) assertEquals(expected[i], plain("net", new NetworkChange(NetworkChange.What.ADDED, objects.get(i), null), 1));
    }

    @Test void whatATerminalWouldObeyIsShownAndNotSent() {
        Path nasty = Path.of("/a\u001b[31m\nb\"<");
        String text = plain("path", new PathChange(PathChange.What.CREATED, nasty, null, false), 1);
        assertEquals("path      created     /a\\x1b[31m\\x0ab\"<", text);
        String json = json("path", new PathChange(PathChange.What.CREATED, nasty, null, false), 1);
        assertEquals(1, json.lines().count());
        assertEquals(nasty.toString(), JsonParser.parseString(json).getAsJsonObject().get("subject").getAsString());
    }

    @Test void coloursTellWhatComesAndWhatGoesAndChangeNoColumn() {
        for (PathChange.What what : PathChange.What.values()) {
            Line line = Line.of(new Origin("path", ""), new RingEvent(null, new PathChange(what, Path.of("/a"), null, true), 1));
            String coloured = LineFormat.COLOURED.text(line, TIME);
            assertEquals(LineFormat.PLAIN.text(line, TIME), coloured.replaceAll("\u001b\\[\\d*m", ""));
            String expected = switch (what) {
                case FOUND, CREATED -> "32";
                case DELETED -> "31";
                default -> "33";
            };
            assertTrue(coloured.contains("\u001b[" + expected + "m" + what.name().toLowerCase(java.util.Locale.ROOT)), coloured);
        }
    }
}
