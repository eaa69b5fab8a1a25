package org.libtorque.hardware;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads memory devices from the firmware's tables (DMTF DSP0134, System Management BIOS, structure type 17): from the whole
 * table if there is one, else from single entries. Both are readable by root alone, as a rule.
 */
final class SmbiosReader {
    private static final int MEMORY_DEVICE = 17, END = 127;
    private static final int MAX_TABLE_BYTES = 1 << 20;
    private static final int MAX_DEVICES = 4096;
    /** How boards name the package in a locator: {@code CPU1_DIMM_A0}, {@code P0_Node1_Channel2}, {@code PROC 2 DIMM 3}. */
    private static final String SOCKET = "(?i)(?:NODE|CPU|PROC|SOCKET|(?<![A-Z])P)[ _-]?([0-9]{1,3})";

    private final FileTree files;
    private final List<MemoryDevice> devices = new ArrayList<>();

    private SmbiosReader(FileTree files) { this.files = files; }

    static List<MemoryDevice> read(FileTree files, List<NumaNode> nodes) {
        var reader = new SmbiosReader(files);
        byte[] table = files.bytes("sys/firmware/dmi/tables/DMI", MAX_TABLE_BYTES);
        if (table != null) {
            reader.walk("sys/firmware/dmi/tables/DMI", table);
        } else {
            for (String name : files.names("sys/firmware/dmi/entries")) {
                if (!name.startsWith(MEMORY_DEVICE + "-")) continue;
                String path = "sys/firmware/dmi/entries/" + name + "/raw";
                byte[] entry = files.bytes(path, MAX_TABLE_BYTES);
                if (entry != null) reader.walk(path, entry);
            }
        }
        return attribute(reader.devices, nodes);
    }

    /** Structures: type, length of the fixed part, handle, fixed part; then strings, each ended by NUL, ended by another NUL. */
    private void walk(String path, byte[] table) {
        int at = 0;
        while (at + 4 <= table.length && devices.size() < MAX_DEVICES) {
            int type = table[at] & 0xFF, length = table[at + 1] & 0xFF;
            if (length < 4 || at + length > table.length) {
                files.fallback(path, "the structure at byte " + at + " has length " + length + "; the rest was not read");
                return;
            }
            int strings = at + length, end = strings;
            while (end + 1 < table.length && (table[end] != 0 || table[end + 1] != 0)) end++;
            if (type == MEMORY_DEVICE) device(table, at, length, strings, Math.min(end, table.length));
            if (type == END) return;
            at = end + 2;
        }
    }

    private void device(byte[] table, int at, int length, int strings, int end) {
        int size = word(table, at, length, 0x0C);
        long bytes;
        if (length < 0x0E || size == 0xFFFF) bytes = -1;
        else if (size == 0x7FFF) bytes = (word(table, at, length, 0x1C) | (long) (word(table, at, length, 0x1E) & 0x7FFF) << 16) << 20;
        else bytes = (size & 0x8000) != 0 ? (size & 0x7FFFL) << 10 : (long) size << 20; // bit 15: in KB
        int kind = octet(table, at, length, 0x12);
        devices.add(new MemoryDevice(string(table, strings, end, octet(table, at, length, 0x10)),
                string(table, strings, end, octet(table, at, length, 0x11)), bytes,
                kind(kind), speed(word(table, at, length, 0x15)),
                speed(word(table, at, length, 0x20)), string(table, strings, end, octet(table, at, length, 0x17)),
                string(table, strings, end, octet(table, at, length, 0x1A)), -1));
    }

    /** DSP0134, "Memory Device: Type"; nothing for "Other", "Unknown" and those of before 2000. */
    private static String kind(int code) {
        return switch (code) {
            case 3 -> "DRAM";
            case 7 -> "RAM";
            case 15 -> "SDRAM";
            case 18 -> "DDR";
            case 19 -> "DDR2";
            case 20 -> "DDR2 FB-DIMM";
            case 24 -> "DDR3";
            case 25 -> "FBD2";
            case 26 -> "DDR4";
            case 27 -> "LPDDR";
            case 28 -> "LPDDR2";
            case 29 -> "LPDDR3";
            case 30 -> "LPDDR4";
            case 31 -> "NVDIMM";
            case 32 -> "HBM";
            case 33 -> "HBM2";
            case 34 -> "DDR5";
            case 35 -> "LPDDR5";
            case 36 -> "HBM3";
            default -> "";
        };
    }

    /** 0 is unknown, 65,535 "in a field of later versions", for memory faster than any yet. */
    private static int speed(int value) { return value == 0xFFFF ? 0 : value; }

    /** Fields beyond the structure's length are of later versions of the specification: 0. */
    private static int octet(byte[] table, int at, int length, int offset) { return offset < length ? table[at + offset] & 0xFF : 0; }

    private static int word(byte[] table, int at, int length, int offset) {
        return offset + 1 < length ? table[at + offset] & 0xFF | (table[at + offset + 1] & 0xFF) << 8 : 0;
    }

    private static String string(byte[] table, int from, int end, int number) {
        int at = from;
        for (int n = 1; n < number && at < end; n++) {
            while (at < end && table[at] != 0) at++;
            at++;
        }
        if (number == 0 || at >= end) return "";
        int stop = at;
        while (stop < end && table[stop] != 0) stop++;
        return new String(table, at, stop - at, StandardCharsets.ISO_8859_1).replaceAll("[^ -~]", "").strip();
    }

    /** SMBIOS knows no nodes. Where locators name as many packages as there are nodes, they are taken to correspond in order. */
    private static List<MemoryDevice> attribute(List<MemoryDevice> devices, List<NumaNode> nodes) {
        if (devices.isEmpty()) return devices; // compiling the pattern takes milliseconds in a program that starts
        Pattern socket = Pattern.compile(SOCKET);
        var sockets = new TreeSet<Integer>();
        for (MemoryDevice d : devices) {
            Matcher m = socket.matcher(d.locator() + " " + d.bank());
            if (m.find()) sockets.add(Integer.valueOf(m.group(1)));
        }
        if (nodes.size() > 1 && sockets.size() != nodes.size()) return devices;
        var located = new ArrayList<MemoryDevice>();
        for (MemoryDevice d : devices) {
            Matcher m = socket.matcher(d.locator() + " " + d.bank());
            int node = nodes.size() == 1 ? nodes.getFirst().osIndex()
                    : m.find() ? nodes.get(sockets.headSet(Integer.valueOf(m.group(1))).size()).osIndex() : -1;
            located.add(new MemoryDevice(d.locator(), d.bank(), d.sizeBytes(), d.kind(), d.speedMegaTransfers(),
                    d.configuredMegaTransfers(), d.manufacturer(), d.partNumber(), node));
        }
        return located;
    }
}
