package org.libtorque.apps.watch;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.libtorque.event.CounterChange;
import org.libtorque.event.ExitStatus;
import org.libtorque.event.NetworkChange;
import org.libtorque.event.NetworkObject;
import org.libtorque.event.PathChange;
import org.libtorque.event.Pressure;
import org.libtorque.event.RingEvent;
import org.libtorque.event.SignalInfo;

/**
 * An event as it is shown: what it is of, what happened, to what, and the rest as names and values in the order in which they are shown.
 *
 * @param source  kind of source: path, net, signal, timer, pid or pressure
 * @param what    one word for what happened
 * @param subject to what
 * @param more    strings, numbers and booleans, none of them null
 */
record Line(String source, String what, String subject, Map<String, Object> more) {
    private static final Set<String> GOOD = Set.of("found", "created", "added", "complete");
    private static final Set<String> BAD = Set.of("deleted", "removed", "lost", "some", "full");

    /** How it is to be looked at. */
    enum Mood { COMES, GOES, CHANGES }

    Mood mood() { return GOOD.contains(what) ? Mood.COMES : BAD.contains(what) || source.equals("pid") ? Mood.GOES : Mood.CHANGES; }

    /** @param origin kind of source and what was asked for */
    static Line of(Origin origin, RingEvent event) {
        var more = new LinkedHashMap<String, Object>();
        return switch (event.event()) {
            case null -> {
                more.put("count", event.count());
                yield new Line(origin.source(), "tick", origin.subject(), more);
            }
            case PathChange change -> {
                if (change.from() != null) more.put("from", change.from().toString());
                more.put("directory", change.directory());
                yield new Line(origin.source(), lower(change.what()), change.path().toString(), more);
            }
            case NetworkChange change -> network(origin, change, more);
            case SignalInfo info -> {
                if (info.isDetailed()) {
                    more.put("pid", info.pid());
                    more.put("uid", info.uid());
                    more.put("code", info.code());
                    if (info.hasValue()) more.put("value", info.value());
                }
                yield new Line(origin.source(), info.signal().name(), Integer.toString(info.signal().number()), more);
            }
            case RingEvent.ProcessExit exit -> {
                ExitStatus status = exit.status();
                if (status.signal() != null) {
                    more.put("signal", status.signal().name());
                    more.put("core_dumped", status.coreDumped());
                } else if (status.isKnown()) {
                    more.put("code", status.code());
                }
                yield new Line(origin.source(), status.signal() != null ? "killed" : status.isKnown() ? "exited" : "ended", Integer.toString(exit.pid()), more);
            }
            case Pressure pressure -> {
                more.put("avg10", pressure.avg10());
                more.put("avg60", pressure.avg60());
                more.put("avg300", pressure.avg300());
                more.put("total_us", pressure.total().toNanos() / 1_000);
                yield new Line(origin.source(), pressure.trigger().full() ? "full" : "some", lower(pressure.trigger().resource()), more);
            }
            case CounterChange change -> {
                more.put("before", change.before());
                more.put("now", change.now());
                yield new Line(origin.source(), "changed", change.name(), more);
            }
            case RingEvent.Mark mark -> new Line(origin.source(), lower(mark), origin.subject(), more);
            default -> new Line(origin.source(), "event", event.event().toString(), more);
        };
    }

    private static Line network(Origin origin, NetworkChange change, Map<String, Object> more) {
        more.put("kind", lower(change.object().kind()));
        String subject = switch (change.object()) {
            case NetworkObject.Link link -> {
                more.put("index", link.index());
                more.put("up", link.up());
                more.put("running", link.running());
                more.put("mtu", link.mtu());
                yield link.name();
            }
            case NetworkObject.Address address -> {
                more.put("link", address.link());
                more.put("tentative", address.tentative());
                yield address.address().getHostAddress() + "/" + address.prefixLength();
            }
            case NetworkObject.Route route -> {
                more.put("link", route.link());
                if (!route.hops().isEmpty() && route.hops().getFirst().gateway() != null) more.put("gateway", route.hops().getFirst().gateway().getHostAddress());
                more.put("table", route.table());
                more.put("priority", route.priority());
                yield route.destination().getHostAddress() + "/" + route.prefixLength();
            }
            case NetworkObject.Neighbour neighbour -> {
                more.put("link", neighbour.link());
                if (neighbour.hardware() != null) more.put("hardware", neighbour.hardware());
                more.put("state", neighbour.state());
                yield neighbour.address().getHostAddress();
            }
        };
        return new Line(origin.source(), lower(change.what()), subject, more);
    }

    private static String lower(Enum<?> value) { return value.name().toLowerCase(java.util.Locale.ROOT); }

    /**
     * What was asked for.
     *
     * @param source  kind of source
     * @param subject which
     */
    record Origin(String source, String subject) {}
}
