package org.libtorque.apps.topology;

import java.util.List;
import java.util.stream.Collectors;
import org.libtorque.hardware.CpuSet;
import org.libtorque.hardware.NumaNode;
import org.libtorque.hardware.Topology;
import org.libtorque.hardware.Universe;

/**
 * A topology as two graphs for Graphviz: the tree of scheduling levels, groups that are built alike drawn once with their
 * number, and the NUMA nodes with their distances, which no nested picture can show.
 */
final class DotGraph {
    private DotGraph() {}

    static String text(Topology topology) {
        var out = new StringBuilder("graph topology {\n  node [shape=box, fontname=\"Helvetica\", fontsize=10];\n"
                + "  edge [fontname=\"Helvetica\", fontsize=9];\n");
        levels(topology, out);
        if (topology.nodes().size() > 1) nodes(topology, out);
        return out.append("}\n").toString();
    }

    private static void levels(Topology topology, StringBuilder out) {
        List<Universe.Level> levels = topology.universe().levels();
        out.append("  subgraph cluster_levels {\n    label=\"scheduling levels\";\n");
        for (int l = levels.size() - 1; l >= 0; l--) {
            Universe.Level level = levels.get(l);
            for (int c = 0; c < level.classes().size(); c++) {
                var group = level.classes().get(c);
                out.append("    l").append(l).append('c').append(c).append(" [label=\"").append(group.count()).append("× ")
                        .append(String.join(" = ", level.names())).append("\\n").append(group.hartCount()).append(" harts");
                for (String hardware : group.hardware().stream().limit(6).toList()) out.append("\\n").append(escape(hardware));
                out.append("\"];\n");
                if (l + 1 == levels.size()) continue;
                var above = levels.get(l + 1).classes();
                for (int p = 0; p < above.size(); p++) {
                    List<CpuSet> parents = above.get(p).groups();
                    long inside = group.groups().stream().filter(g -> parents.stream().anyMatch(g::isSubsetOf)).count();
                    if (inside > 0) {
                        out.append("    l").append(l + 1).append('c').append(p).append(" -- l").append(l).append('c').append(c)
                                .append(" [label=\"").append(inside / parents.size()).append("\"];\n");
                    }
                }
            }
        }
        out.append("  }\n");
    }

    private static void nodes(Topology topology, StringBuilder out) {
        out.append("  subgraph cluster_nodes {\n    label=\"NUMA nodes and distances\";\n");
        List<NumaNode> nodes = topology.nodes();
        for (NumaNode n : nodes) {
            out.append("    n").append(n.osIndex()).append(" [label=\"node ").append(n.osIndex());
            if (n.memoryBytes() >= 0) out.append("\\n").append(n.memoryBytes() >> 20).append(" MB");
            out.append("\\n").append(n.memoryOnly() ? "no CPUs" : "CPUs " + n.cpus()).append("\"];\n");
        }
        if (topology.hasDistances()) {
            for (int i = 0; i < nodes.size(); i++) {
                for (int j = i + 1; j < nodes.size(); j++) {
                    int there = topology.nodeDistance(i, j), back = topology.nodeDistance(j, i);
                    out.append("    n").append(nodes.get(i).osIndex()).append(" -- n").append(nodes.get(j).osIndex())
                            .append(" [label=\"").append(there == back ? "" + there : there + "/" + back).append("\"];\n");
                }
            }
        }
        out.append("  }\n");
    }

    private static String escape(String text) {
        return text.chars().mapToObj(c -> c == '"' || c == '\\' ? "\\" + (char) c : "" + (char) c).collect(Collectors.joining());
    }
}
