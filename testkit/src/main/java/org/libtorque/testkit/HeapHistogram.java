package org.libtorque.testkit;

import java.lang.management.ManagementFactory;
import java.util.SortedMap;
import java.util.TreeMap;
import javax.management.JMException;
import javax.management.ObjectName;

/** What is alive on the Java heap, by class. */
public final class HeapHistogram {
    /**
     * Objects of one class.
     *
     * @param instances how many
     * @param bytes     what they take
     */
    public record Count(long instances, long bytes) {
        /** Nothing. */
        public static final Count NONE = new Count(0, 0);

        /** Returns what is more in this than in the other. */
        public Count minus(Count other) { return new Count(instances - other.instances, bytes - other.bytes); }
    }

    private HeapHistogram() {}

    /**
     * Collects garbage and counts what is reachable, by the JVM's name of the class ({@code [J} for an array of longs). The first
     * count of a process brings objects of its own: take one and forget it.
     */
    public static SortedMap<String, Count> take() {
        try {
            String text = (String) ManagementFactory.getPlatformMBeanServer().invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"), "gcClassHistogram", new Object[] {new String[0]},
                    new String[] {String[].class.getName()});
            var counts = new TreeMap<String, Count>();
            for (String line : text.split("\n")) { // "   1:     3541     256320  java.lang.String (java.base@25)"
                String[] f = line.strip().split("\\s+");
                if (f.length < 4 || !f[0].endsWith(":")) continue;
                counts.merge(f[3], new Count(Long.parseLong(f[1]), Long.parseLong(f[2])),
                        (a, b) -> new Count(a.instances + b.instances, a.bytes + b.bytes));
            }
            if (counts.isEmpty()) throw new AssertionError("the JVM's histogram is in another form: " + text);
            return counts;
        } catch (JMException e) {
            throw new AssertionError("the JVM tells no histogram", e);
        }
    }
}
