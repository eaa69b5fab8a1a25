package org.libtorque.hardware;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Reads a folder of CPUID answers: a file {@code puN} for each CPU, in which a line is a comment ({@code #}) or one
 * execution, {@code MASK EAX EBX ECX EDX => EAX EBX ECX EDX}, all hexadecimal. Other files are ignored.
 *
 * <p>Strict: a line that is neither is an error that names file and line, since a machine that is half understood is
 * worse than none.
 */
final class CpuidDump {
    /** More CPUs than any Linux can be built for (NR_CPUS is at most 8192); a higher number is a damaged dump. */
    static final int MAX_CPU = 1 << 16;
    /** A processor answers fewer than a hundred leaves; this leaves room and keeps a hostile file harmless. */
    private static final int MAX_LINES = 10_000;
    private static final long MAX_BYTES = 1 << 20;
    private static final Pattern NAME = Pattern.compile("pu(0|[1-9][0-9]*)");

    private CpuidDump() {}

    static SortedMap<Integer, CpuidRecord> read(Path folder) {
        var records = new TreeMap<Integer, CpuidRecord>();
        try (var files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                var name = NAME.matcher(file.getFileName().toString());
                if (!name.matches()) continue;
                String digits = name.group(1);
                if (digits.length() > 5 || Integer.parseInt(digits) >= MAX_CPU) {
                    throw TopologyFormatException.at(file, 0, "CPU number is not below " + MAX_CPU);
                }
                records.put(Integer.valueOf(digits), readFile(file));
            }
        } catch (IOException e) {
            throw new TopologyFormatException(folder + ": cannot be read: " + e);
        } catch (UncheckedIOException e) {
            throw new TopologyFormatException(folder + ": cannot be read: " + e.getCause());
        }
        if (records.isEmpty()) throw new TopologyFormatException(folder + ": holds no file named pu and a number");
        return records;
    }

    private static CpuidRecord readFile(Path file) throws IOException {
        if (Files.size(file) > MAX_BYTES) throw TopologyFormatException.at(file, 0, "larger than " + MAX_BYTES + " bytes");
        return parse(file, new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
    }

    static CpuidRecord parse(Object file, String text) {
        var record = new CpuidRecord();
        int number = 0;
        for (String line : (Iterable<String>) text.lines()::iterator) {
            if (++number > MAX_LINES) throw TopologyFormatException.at(file, number, "more than " + MAX_LINES + " lines");
            String trimmed = line.strip();
            if (!trimmed.isEmpty() && trimmed.charAt(0) != '#') parseLine(file, number, trimmed, record);
        }
        if (record.executions() == 0) throw TopologyFormatException.at(file, number, "tells no execution of CPUID");
        return record;
    }

    private static void parseLine(Object file, int number, String line, CpuidRecord record) {
        String[] words = line.split("[ \t]+");
        if (words.length != 10 || !words[5].equals("=>")) {
            throw TopologyFormatException.at(file, number, "not of the form MASK EAX EBX ECX EDX => EAX EBX ECX EDX");
        }
        int mask = hex(file, number, words[0]);
        if ((mask & ~0xF) != 0) throw TopologyFormatException.at(file, number, "mask " + words[0] + " is not one digit");
        int[] in = new int[4], out = new int[4];
        for (int i = 0; i < 4; i++) {
            in[i] = hex(file, number, words[1 + i]);
            out[i] = hex(file, number, words[6 + i]);
        }
        record.add(mask, in, out);
    }

    private static int hex(Object file, int number, String word) {
        if (word.length() <= 8 && word.chars().allMatch(c -> Character.digit(c, 16) >= 0 && c < 128)) {
            return Integer.parseUnsignedInt(word, 16);
        }
        throw TopologyFormatException.at(file, number, "'" + word + "' is not a hexadecimal number of 32 bits");
    }
}
