package org.libtorque.apps.topology;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.libtorque.hardware.Cache;
import org.libtorque.hardware.CacheType;
import org.libtorque.hardware.Core;
import org.libtorque.hardware.CpuGroup;
import org.libtorque.hardware.CpuKind;
import org.libtorque.hardware.CpuPackage;
import org.libtorque.hardware.CpuSet;
import org.libtorque.hardware.NumaNode;
import org.libtorque.hardware.Processor;
import org.libtorque.hardware.Topology;

/**
 * A picture of a topology: boxes within boxes, from the machine to its CPUs, each as large as what it holds. Memory and
 * caches are bars at the top of the box of those who share them. CPUs that this process may use are filled.
 *
 * <p>The tree is made of all objects, larger ones around smaller ones; an object that cuts across another is left out of the
 * picture, never of the other formats. Everything is laid out bottom-up: equal children in rows whose number makes the
 * box about as wide as a page is.
 */
final class SvgPicture {
    private static final double PAGE = 1.5; // width to height that rows aim at
    private static final double PAD = 6, GAP = 5, BAR = 17, CPU_WIDTH = 30, CPU_HEIGHT = 20, CHAR = 6.1;

    private static final String STYLE = """
            text{font-family:'DejaVu Sans','Liberation Sans',Helvetica,Arial,sans-serif;font-size:10.5px;fill:#23303b}
            .title{font-size:17px;font-weight:600}.sub{font-size:11.5px;fill:#566573}
            .machine{fill:#fbfaf7;stroke:#b9b2a3}.package{fill:#f1ece1;stroke:#b3a98f}.group{fill:#f7f3fa;stroke:#a996bd}
            .node{fill:#f6f1e6;stroke:#c9a66b}.cache{fill:#f4f8fb;stroke:#9db8cc}.core{fill:#fff;stroke:#8b98a3}
            .core1{fill:#fdf3f0;stroke:#c98b77}.core2{fill:#f0f0fd;stroke:#7f7fc4}
            .memory{fill:#f5cf8e;stroke:#c9974a}.L1{fill:#dcecf7;stroke:#8fb6d1}.L2{fill:#bcdaee;stroke:#76a5c6}
            .L3{fill:#94c3e2;stroke:#5b91b8}.L4{fill:#6faed6;stroke:#437da6}
            .cpu{stroke:#2f7d4f;fill:#8fd3a6}.kept{stroke:#a3a9ad;fill:#e6e8ea}.off{stroke:#a3a9ad;fill:none;stroke-dasharray:3 2}
            .gpu{fill:#d9ecc3;stroke:#7da347}.n{text-anchor:middle;font-size:10px}.kept+.n{fill:#8a9297}
            """;

    /** A bar at the top of a box. Bars of one row share its width. */
    private record Bar(String style, String text, String hint) {}

    /** A box. Its bars stand above its children, its title above both. */
    private static final class Box {
        final CpuSet cpus;
        final String style;
        final String title;
        final String hint;
        final List<List<Bar>> bars = new ArrayList<>();
        final List<Box> children = new ArrayList<>();
        double x, y, width, height;

        Box(CpuSet cpus, String style, String title, String hint) {
            this.cpus = cpus;
            this.style = style;
            this.title = title;
            this.hint = hint;
        }
    }

    private final Topology topology;
    private final StringBuilder out = new StringBuilder();

    private SvgPicture(Topology topology) { this.topology = topology; }

    /** Returns a whole SVG document. */
    static String text(Topology topology, String machine) { return new SvgPicture(topology).draw(machine); }

    // ---- what is in what ----

    private Box tree() {
        var machine = new Box(topology.online(), "machine", "", "");
        List<Box> boxes = new ArrayList<>();
        for (CpuPackage p : topology.packages()) {
            boxes.add(new Box(p.cpus(), "package", "Package " + (p.osIndex() < 0 ? "" : p.osIndex()), p.cores().size() + " cores"));
        }
        for (CpuGroup g : topology.groups()) {
            boxes.add(new Box(g.cpus(), "group", g.kind().label() + " " + (g.osIndex() < 0 ? "" : g.osIndex()), ""));
        }
        for (Core c : topology.cores()) {
            int kind = topology.kinds().isEmpty() ? 0 : topology.kindOf(c.cpus().nextSetBit(0));
            String style = kind == 0 ? "core" : "core" + Math.min(2, kind);
            boxes.add(new Box(c.cpus(), style, "Core " + (c.osIndex() < 0 ? "" : c.osIndex()), "CPUs " + c.cpus()));
        }
        Set<CpuSet> known = new LinkedHashSet<>();
        boxes.forEach(b -> known.add(b.cpus));
        known.add(topology.online());
        // A cache or a node that nothing else has the CPUs of gets a box of its own, so that its bar spans just its sharers.
        for (Cache c : topology.caches()) {
            if (c.cpus().size() > 1 && known.add(c.cpus())) boxes.add(new Box(c.cpus(), "cache", "", ""));
        }
        for (NumaNode n : topology.nodes()) {
            if (!n.cpus().isEmpty() && known.add(n.cpus())) boxes.add(new Box(n.cpus(), "node", "", ""));
        }
        for (int cpu = topology.online().nextSetBit(0); cpu >= 0; cpu = topology.online().nextSetBit(cpu + 1)) {
            boxes.add(new Box(CpuSet.of(cpu), topology.usable().contains(cpu) ? "cpu" : "kept", "" + cpu, hint(cpu)));
        }
        // Large before small; of equals the order above, which is that of nesting. Sorting is stable.
        boxes.sort(Comparator.comparingInt((Box b) -> -b.cpus.size()));
        for (Box box : boxes) insert(machine, box);
        bars(machine);
        return machine;
    }

    private String hint(int cpu) {
        String caches = String.join(", ", topology.cachesOf(cpu).map(c -> c.name() + " " + size(c.sizeBytes())).toList());
        String name = topology.processors().stream().filter(p -> p.cpus().contains(cpu)).map(Processor::name).findFirst().orElse("");
        return "CPU " + cpu + (name.isEmpty() ? "" : ": " + name) + (caches.isEmpty() ? "" : "; " + caches);
    }

    private static void insert(Box parent, Box box) {
        for (;;) {
            Box inner = null;
            int first = box.cpus.nextSetBit(0);
            // Children are disjoint, so only one can hold the first CPU; the newest are the most likely.
            for (int i = parent.children.size() - 1; i >= 0 && inner == null; i--) {
                if (parent.children.get(i).cpus.contains(first)) inner = parent.children.get(i);
            }
            if (inner == null) break;
            if (!box.cpus.isSubsetOf(inner.cpus)) return; // cuts across
            parent = inner;
        }
        for (Box sibling : parent.children) {
            if (!sibling.cpus.and(box.cpus).isEmpty()) return;
        }
        parent.children.add(box);
    }

    /** Puts memory and caches on the outermost box that has just their CPUs; those of one core's threads on the core. */
    private void bars(Box machine) {
        for (NumaNode n : topology.nodes()) {
            if (topology.input() == Topology.Input.CPUID) break;
            Box box = find(machine, n.cpus().isEmpty() ? n.locality() : n.cpus());
            String text = "NUMA node " + n.osIndex() + (n.memoryBytes() < 0 ? "" : "  " + size(n.memoryBytes()))
                    + (n.memoryOnly() ? "  memory only" : "")
                    + n.memorySideCache().map(c -> "  behind " + size(c.sizeBytes()) + " cache").orElse("");
            (box == null ? machine : box).bars.add(List.of(new Bar("memory", text, "CPUs " + n.locality())));
        }
        var levels = topology.caches().stream().map(Cache::level).distinct().sorted(Comparator.reverseOrder()).toList();
        for (int level : levels) {
            var byCpus = new java.util.LinkedHashMap<CpuSet, List<Cache>>();
            topology.caches().stream().filter(c -> c.level() == level)
                    .forEach(c -> byCpus.computeIfAbsent(c.cpus(), s -> new ArrayList<>()).add(c));
            byCpus.forEach((cpus, caches) -> {
                Box box = find(machine, cpus);
                if (box != null) box.bars.add(caches.stream().map(SvgPicture::bar).toList());
            });
        }
    }

    private static Bar bar(Cache c) {
        String kind = c.type() == CacheType.DATA ? "d" : c.type() == CacheType.INSTRUCTION ? "i" : "";
        return new Bar("L" + Math.min(4, c.level()), "L" + c.level() + kind + " " + size(c.sizeBytes()),
                c.name() + " " + c.type().label() + ", " + size(c.sizeBytes()) + ", " + c.lineBytes() + "-byte lines, "
                        + (c.ways() < 0 ? "fully associative" : c.ways() + " ways") + ", CPUs " + c.cpus());
    }

    /** The innermost box with just these CPUs that is not a single CPU's square, unless nothing else is. */
    private static Box find(Box box, CpuSet cpus) {
        Box found = null;
        while (box != null) {
            if (box.cpus.equals(cpus)) {
                boolean square = box.style.equals("cpu") || box.style.equals("kept");
                if (!square) found = box;
            }
            Box next = null;
            for (Box child : box.children) {
                if (cpus.isSubsetOf(child.cpus)) next = child;
            }
            box = next;
        }
        return found;
    }

    // ---- layout ----

    private void layout(Box box) {
        if (box.style.equals("cpu") || box.style.equals("kept")) {
            box.width = Math.max(CPU_WIDTH, CHAR * box.title.length() + 8);
            box.height = CPU_HEIGHT;
            return;
        }
        box.children.sort(Comparator.comparingInt(c -> c.cpus.nextSetBit(0)));
        box.children.forEach(this::layout);
        double head = PAD + (box.title.isBlank() ? 0 : 15) + box.bars.size() * (BAR + 3);
        double least = box.title.length() * CHAR + 2 * PAD;
        for (List<Bar> row : box.bars) {
            double text = 0;
            for (Bar bar : row) text = Math.max(text, bar.text.length() * CHAR + 10);
            least = Math.max(least, text * row.size() + 3 * (row.size() - 1) + 2 * PAD);
        }
        double best = Double.MAX_VALUE;
        int columns = 1;
        for (int c = 1; c <= box.children.size(); c++) {
            double[] size = flow(box, c, 0, 0, false);
            double width = Math.max(least, size[0] + 2 * PAD), height = head + size[1] + PAD;
            // How far from a page's shape, and how much of the last row is empty.
            double misfit = Math.abs(Math.log(width / height / PAGE)) + 0.35 * ((c - box.children.size() % c) % c) / c;
            if (misfit < best) {
                best = misfit;
                columns = c;
            }
        }
        double[] size = flow(box, columns, PAD, head, true);
        box.width = Math.max(least, size[0] + 2 * PAD);
        box.height = head + size[1] + (size[1] > 0 ? PAD : 2);
        widen(box, columns);
    }

    /** Lays children out in rows of so many; returns width and height. */
    private static double[] flow(Box box, int columns, double left, double top, boolean place) {
        double width = 0, y = 0, rowHeight = 0, x = 0;
        for (int i = 0; i < box.children.size(); i++) {
            Box child = box.children.get(i);
            if (i % columns == 0 && i > 0) {
                y += rowHeight + GAP;
                rowHeight = 0;
                x = 0;
            }
            if (place) {
                child.x = left + x;
                child.y = top + y;
            }
            x += child.width + GAP;
            rowHeight = Math.max(rowHeight, child.height);
            width = Math.max(width, x - GAP);
        }
        return new double[] {width, y + rowHeight};
    }

    /** Spreads a lone column or row over the width that titles and bars need, so that boxes fill their parents. */
    private static void widen(Box box, int columns) {
        double inner = box.width - 2 * PAD;
        for (int from = 0; from < box.children.size(); from += columns) {
            List<Box> row = box.children.subList(from, Math.min(box.children.size(), from + columns));
            double used = row.stream().mapToDouble(c -> c.width).sum() + GAP * (row.size() - 1);
            double extra = row.size() == columns ? (inner - used) / row.size() : 0;
            double x = PAD;
            for (Box child : row) {
                child.x = x;
                if (extra > 0) stretch(child, extra);
                x += child.width + GAP;
            }
        }
    }

    private static void stretch(Box box, double extra) {
        if (box.children.isEmpty()) {
            box.width += extra;
            return;
        }
        // Children share what their parent gains, row by row.
        var rows = new java.util.TreeMap<Double, List<Box>>();
        box.children.forEach(c -> rows.computeIfAbsent(c.y, y -> new ArrayList<>()).add(c));
        int most = rows.values().stream().mapToInt(List::size).max().orElse(1);
        box.width += extra;
        for (List<Box> row : rows.values()) {
            double x = PAD;
            for (Box child : row) {
                child.x = x;
                stretch(child, extra / most);
                x += child.width + GAP;
            }
        }
    }

    // ---- drawing ----

    private String draw(String machine) {
        Box root = tree();
        layout(root);
        double margin = 16, top = 58;
        List<String> offline = topology.offline().isEmpty() ? List.of() : List.of("offline: CPUs " + topology.offline());
        List<String> gpus = topology.gpus().stream().map(g -> g.name() + (g.memoryBytes() > 0 ? "  " + size(g.memoryBytes()) : ""))
                .toList();
        double width = Math.max(root.width + 2 * margin, 640);
        double below = top + root.height + 14 + gpus.size() * 26;
        double height = below + (topology.kinds().isEmpty() ? 34 : 56) + offline.size() * 16;
        out.append(String.format(Locale.ROOT, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" "
                + "role=\"img\" aria-label=\"%s\">%n<style>%n%s</style>%n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>%n",
                width, height, width, height, escape("Topology of " + machine), STYLE));
        String name = topology.processors().stream().map(Processor::name).filter(n -> !n.isEmpty()).findFirst().orElse("");
        write(margin, 27, "title", name.isEmpty() ? machine : name);
        write(margin, 45, "sub", (name.isEmpty() ? "" : machine + ": ") + topology);
        box(root, margin, top);
        double y = top + root.height + 10;
        for (String gpu : gpus) {
            rect("gpu", margin, y, Math.max(160, gpu.length() * CHAR + 20), 21, "GPU");
            write(margin + 8, y + 14, "", gpu);
            y += 26;
        }
        legend(margin, below + 6);
        y = below + (topology.kinds().isEmpty() ? 40 : 62);
        for (String line : offline) {
            write(margin, y, "sub", line);
            y += 16;
        }
        return out.append("</svg>\n").toString();
    }

    private void box(Box box, double x, double y) {
        rect(box.style, x, y, box.width, box.height, box.hint);
        if (box.style.equals("cpu") || box.style.equals("kept")) {
            write(x + box.width / 2, y + box.height / 2 + 3.6, "n", box.title);
            return;
        }
        double at = y + PAD;
        if (!box.title.isBlank()) {
            write(x + PAD, at + 9, "", box.title);
            at += 15;
        }
        for (List<Bar> row : box.bars) {
            double each = (box.width - 2 * PAD - 3 * (row.size() - 1)) / row.size(), left = x + PAD;
            for (Bar bar : row) {
                rect(bar.style, left, at, each, BAR, bar.hint);
                write(left + 5, at + 12.2, "", bar.text);
                left += each + 3;
            }
            at += BAR + 3;
        }
        for (Box child : box.children) box(child, x + child.x, y + child.y);
    }

    private void legend(double left, double y) {
        double x = left;
        for (String[] entry : new String[][] {{"cpu", "CPU of this process"}, {"kept", "CPU kept from it"}, {"memory", "memory"},
                {"L1", "L1"}, {"L2", "L2"}, {"L3", "L3"}}) {
            boolean shown = switch (entry[0]) {
                case "kept" -> !topology.disallowed().isEmpty();
                case "memory" -> topology.input() != Topology.Input.CPUID;
                case "L1", "L2", "L3" -> topology.caches().stream().anyMatch(c -> entry[0].equals("L" + c.level()));
                default -> true;
            };
            if (shown) x = key(x, y, entry[0], entry[1]);
        }
        x = left;
        for (CpuKind kind : topology.kinds()) {
            x = key(x, y + 22, kind.rank() == 0 ? "core" : "core" + Math.min(2, kind.rank()), "core of kind " + kind.rank()
                    + (kind.coreType().isEmpty() ? "" : " (" + kind.coreType() + ")"));
        }
    }

    private double key(double x, double y, String style, String text) {
        rect(style, x, y, 16, 12, "");
        write(x + 21, y + 10, "", text);
        return x + 21 + text.length() * CHAR + 18;
    }

    private void rect(String style, double x, double y, double width, double height, String hint) {
        out.append(String.format(Locale.ROOT, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2.5\"", style, x, y,
                width, height));
        out.append(hint.isEmpty() ? "/>\n" : "><title>" + escape(hint) + "</title></rect>\n");
    }

    private void write(double x, double y, String style, String text) {
        out.append(String.format(Locale.ROOT, "<text x=\"%.1f\" y=\"%.1f\"%s>%s</text>%n", x, y,
                style.isEmpty() ? "" : " class=\"" + style + "\"", escape(text)));
    }

    /** Text comes from firmware and from users: markup in it must stay text, and control characters are no XML. */
    private static String escape(String text) {
        var safe = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> safe.append("&amp;");
                case '<' -> safe.append("&lt;");
                case '>' -> safe.append("&gt;");
                case '"' -> safe.append("&quot;");
                default -> safe.append(c >= ' ' && c < 0xD800 ? c : ' ');
            }
        }
        return safe.toString();
    }

    private static String size(long bytes) {
        String[] units = {"B", "KB", "MB", "GB", "TB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < 4) {
            value /= 1024;
            unit++;
        }
        value = Math.rint(value * 10) / 10;
        return value == Math.rint(value) ? (long) value + " " + units[unit] : String.format(Locale.ROOT, "%.1f %s", value, units[unit]);
    }
}
