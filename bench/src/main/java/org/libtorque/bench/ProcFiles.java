package org.libtorque.bench;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * What /proc says of a process. A process that has ended reads as zeros: it may do so between any two looks.
 */
final class ProcFiles {
    /** Clock ticks per second in /proc/PID/stat: USER_HZ, which is 100 on every architecture of Linux that Java runs on. */
    static final int TICKS_PER_SECOND = 100;

    private static final Path PROC = Path.of("/proc");

    private ProcFiles() {}

    /** Returns user plus system time of all the process's threads, also those that have ended, in ticks. */
    static long cpuTicks(long pid) {
        String stat = read(PROC.resolve(pid + "/stat"));
        return stat.isEmpty() ? 0 : cpuTicks(stat);
    }

    /** Returns utime + stime of a /proc/PID/stat line. */
    static long cpuTicks(String stat) {
        // The command, second field, stands in parentheses and may itself contain spaces and parentheses.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);      // fields 14 and 15 of proc(5)
    }

    /** Returns the time, in ticks, in which anything at all ran on {@code cpus}, or the host took them away (steal). */
    static long busyTicks(Set<Integer> cpus) { return busyTicks(read(PROC.resolve("stat")), cpus); }

    /** Reads the same from the text of /proc/stat. Interrupts are left out: they are nobody's. */
    static long busyTicks(String stat, Set<Integer> cpus) {
        long sum = 0;
        for (String line : (Iterable<String>) stat.lines()::iterator) {
            String[] fields = line.split(" +");
            if (!fields[0].startsWith("cpu") || fields[0].length() == 3
                    || !cpus.contains(Integer.parseInt(fields[0].substring(3)))) {
                continue;
            }
            // cpuN user nice system idle iowait irq softirq steal guest guest_nice; guest is part of user.
            sum += Long.parseLong(fields[1]) + Long.parseLong(fields[2]) + Long.parseLong(fields[3])
                    + Long.parseLong(fields[8]);
        }
        return sum;
    }

    /** Returns how often the process's living threads have given up the CPU to wait. */
    static long voluntarySwitches(long pid) {
        long sum = 0;
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(PROC.resolve(pid + "/task"))) {
            for (Path task : tasks) sum += number(read(task.resolve("status")), "voluntary_ctxt_switches:");
        } catch (IOException ended) {
            return sum;
        }
        return sum;
    }

    /** Returns how many bytes the kernel has read from disks for processes; 0 for those that have ended, or whose files this one may not read. */
    static long bytesFromDisk(List<Long> pids) { return pids.stream().mapToLong(pid -> number(read(PROC.resolve(pid + "/io")), "read_bytes:")).sum(); }

    /** Returns resident memory in KiB. */
    static long residentKib(long pid) { return number(read(PROC.resolve(pid + "/status")), "VmRSS:"); }

    /** Returns how much memory new programs can have without that others are swapped out, in MiB. */
    static long availableMebibytes() { return number(read(PROC.resolve("meminfo")), "MemAvailable:") >> 10; }

    /** Returns the list of CPUs that this process may use. */
    static String allowedCpus() {
        String status = read(PROC.resolve("self/status"));
        int at = status.indexOf("Cpus_allowed_list:");
        return at < 0 ? "0" : status.substring(at + "Cpus_allowed_list:".length()).lines().findFirst().orElse("0").strip();
    }

    /** Returns the number that follows {@code key} at the start of a line, or 0 where there is none. */
    static long number(String text, String key) {
        for (String line : (Iterable<String>) text.lines()::iterator) {
            if (line.startsWith(key)) return Long.parseLong(line.substring(key.length()).strip().split("\\s")[0]);
        }
        return 0;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException ended) {
            return "";
        }
    }
}
