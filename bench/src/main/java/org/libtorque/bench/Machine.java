package org.libtorque.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a figure must be read with: processor, kernel, JVM and the state of the source. */
record Machine(String cpu, int cpuCount, String kernel, String jvm, String commit) {
    /** Asks this machine. {@code home} is the source tree. */
    static Machine describe(Path home) {
        String status = Commands.output(home, "git", "status", "--porcelain", "--untracked-files=no");
        String head = Commands.output(home, "git", "rev-parse", "--short=12", "HEAD");
        String commit = head == null ? "unknown" : head + (status == null || status.isEmpty() ? "" : " with local changes");
        return new Machine(cpuModel(), CpuList.parse(ProcFiles.allowedCpus()).size(),
                System.getProperty("os.name") + " " + System.getProperty("os.version") + " " + System.getProperty("os.arch"),
                System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version") + " ("
                        + System.getProperty("java.vendor.version", System.getProperty("java.vendor")) + ")",
                commit);
    }

    private static String cpuModel() {
        String text;
        try {
            text = Files.readString(Path.of("/proc/cpuinfo"));
        } catch (IOException e) {
            return "unknown";
        }
        return cpuModel(text);
    }

    /** x86 names the model; AArch64 gives only the codes of implementer and part. */
    static String cpuModel(String cpuinfo) {
        String model = value(cpuinfo, "model name");
        if (!model.isEmpty()) {
            return model + " (family " + value(cpuinfo, "cpu family") + ", model " + value(cpuinfo, "model") + ")";
        }
        String implementer = value(cpuinfo, "CPU implementer");
        return implementer.isEmpty() ? "unknown"
                : "implementer " + implementer + ", part " + value(cpuinfo, "CPU part");
    }

    private static String value(String cpuinfo, String key) {
        for (String line : (Iterable<String>) cpuinfo.lines()::iterator) {
            int colon = line.indexOf(':');
            if (colon > 0 && line.substring(0, colon).strip().equals(key)) return line.substring(colon + 1).strip();
        }
        return "";
    }
}
