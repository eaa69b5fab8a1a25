package org.libtorque.hardware;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Reads {@code /proc/cpuinfo}, whose form differs from architecture to architecture: a block for each CPU that begins with
 * {@code processor : N}, and before the first and behind the last one lines that hold for all.
 */
final class ProcCpuinfo {
    /** Names of the brand, most telling first: x86 and new ARM, old ARM, POWER and SPARC, MIPS, LoongArch, RISC-V. */
    private static final List<String> NAMES =
            List.of("model name", "Processor", "cpu", "cpu model", "Model Name", "uarch", "Hardware");
    private static final List<String> VENDORS = List.of("vendor_id", "vendor", "CPU implementer");
    private static final List<String> FAMILIES = List.of("cpu family", "family", "CPU architecture");
    private static final List<String> MODELS = List.of("model", "CPU part");
    private static final List<String> STEPPINGS = List.of("stepping", "CPU revision");
    private static final List<String> FEATURES = List.of("flags", "Features", "features");

    private ProcCpuinfo() {}

    /** Returns what is told of each CPU; empty if the file is missing. The sets of the processors are empty, so that those of one type are equal. */
    static SortedMap<Integer, Processor> read(FileTree files) {
        var processors = new TreeMap<Integer, Processor>();
        String text = files.text("proc/cpuinfo");
        if (text == null) return processors;
        var blocks = new TreeMap<Integer, Map<String, String>>();
        var common = new HashMap<String, String>();
        Map<String, String> block = common;
        boolean behindBlank = false;
        for (String line : (Iterable<String>) text.lines()::iterator) {
            int colon = line.indexOf(':');
            if (colon < 0) {
                behindBlank = true;
                continue;
            }
            String key = line.substring(0, colon).strip(), value = line.substring(colon + 1).strip();
            int cpu = key.equals("processor") ? number(value) : key.startsWith("processor ") ? number(key.substring(10)) : -1;
            if (cpu >= 0 && cpu < CpuSet.LIMIT) {
                block = blocks.computeIfAbsent(cpu, c -> new HashMap<>());
            } else {
                // A block behind a blank line that does not begin with "processor" is about the whole machine.
                if (behindBlank) block = common;
                block.putIfAbsent(key, value);
            }
            behindBlank = false;
        }
        var lists = new HashMap<String, List<String>>(); // one list for all CPUs that have the same line
        blocks.forEach((cpu, own) -> processors.put(cpu, processor(own, common, lists)));
        return processors;
    }

    private static Processor processor(Map<String, String> own, Map<String, String> common,
            Map<String, List<String>> lists) {
        String flags = first(own, common, FEATURES);
        List<String> features = lists.computeIfAbsent(flags, ProcCpuinfo::words);
        return new Processor(blanks(first(own, common, VENDORS)), number(first(own, common, FAMILIES)),
                number(first(own, common, MODELS)), number(first(own, common, STEPPINGS)), "",
                blanks(first(own, common, NAMES)), features, "", features.contains("nonstop_tsc"), 0, "", CpuSet.of());
    }

    private static List<String> words(String flags) {
        var words = new ArrayList<>(Arrays.asList(flags.split("[ ,]+")));
        words.removeIf(String::isEmpty);
        words.sort(null);
        return List.copyOf(words);
    }

    private static String first(Map<String, String> own, Map<String, String> common, List<String> keys) {
        for (String key : keys) {
            String value = own.getOrDefault(key, common.get(key));
            if (value != null && !value.isEmpty()) return value;
        }
        return "";
    }

    private static String blanks(String text) { return text.strip().replaceAll("\\s+", " "); }

    /** Returns a decimal or {@code 0x} number; -1 if it is none. */
    private static int number(String text) {
        try {
            return Integer.decode(text.strip().matches("0[0-9]+") ? Integer.valueOf(text.strip()).toString() : text.strip());
        } catch (NumberFormatException e) {
            return -1;
        }
    }
}
