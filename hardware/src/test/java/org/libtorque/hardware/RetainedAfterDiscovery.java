package org.libtorque.hardware;

import org.libtorque.testkit.HeapHistogram;

/**
 * The program of {@link DiscoveryProcessTest}: counts what is alive on its heap before it discovers the machine, while it holds
 * the topology, and after it has dropped it. Prints a line for each class: its name, then instances and bytes that are more
 * than before while the topology is held, and after.
 */
final class RetainedAfterDiscovery {
    private RetainedAfterDiscovery() {}

    public static void main(String[] arguments) {
        HeapHistogram.take();
        var before = HeapHistogram.take();
        Topology topology = Topology.discover();
        var held = HeapHistogram.take();
        if (topology.hartCount() < 1) throw new AssertionError(topology); // it was in use until here
        topology = null;
        var dropped = HeapHistogram.take();
        for (String name : held.keySet()) {
            var none = HeapHistogram.Count.NONE;
            var was = before.getOrDefault(name, none);
            var with = held.get(name).minus(was);
            var without = dropped.getOrDefault(name, none).minus(was);
            System.out.println(name + " " + with.instances() + " " + with.bytes() + " " + without.instances() + " " + without.bytes());
        }
    }
}
