package org.libtorque.hardware;

import static org.libtorque.hardware.CpuidRecord.EAX;
import static org.libtorque.hardware.CpuidRecord.EBX;
import static org.libtorque.hardware.CpuidRecord.ECX;
import static org.libtorque.hardware.CpuidRecord.EDX;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What CPUID says on one CPU, decoded. Manuals: Intel SDM volume 2A (CPUID) and volume 3A chapter "Multiple-processor
 * management" (topology); AMD APM volume 3 appendix E and the BKDG or PPR of each family. Hygon uses AMD's leaves
 * (family 18h is Zen), Zhaoxin and Centaur use Intel's.
 *
 * <p>Sharing is told as ids: two CPUs are in the same core (package, cache) if the id of theirs is equal. An id is the
 * APIC id without its low bits, so what the maker counts are APIC ids, of which there may be more than CPUs.
 */
final class CpuFacts {
    /** A malicious dump could list caches for ever; no processor has so many. */
    private static final int MAX_SUBLEAVES = 64;
    private static final String[] TYPES = {"OEM", "OverDrive", "Dual", ""};

    /** A cache of this CPU. {@code id} tells CPUs that share it from those that do not, among caches of its level and type. */
    record CacheFact(int level, CacheType type, long sizeBytes, int lineBytes, int ways, long sets, Cache.Inclusion inclusion,
                     long id) {
        // By hand, as in TlbFact: the methods that a record gets are spun at run time, at a price.
        @Override public int hashCode() { return (int) (31 * (31 * id + sizeBytes) + 8L * level + type.ordinal()); }

        @Override public boolean equals(Object other) {
            return other instanceof CacheFact c && level == c.level && type == c.type && sizeBytes == c.sizeBytes
                    && lineBytes == c.lineBytes && ways == c.ways && sets == c.sets && inclusion == c.inclusion && id == c.id;
        }
    }

    /** A translation buffer of this CPU; {@code id} as with caches. */
    record TlbFact(int level, CacheType type, List<Long> pageBytes, int entries, int ways, long id) {
        @Override public int hashCode() { return (int) (31 * (31 * id + entries) + 8L * level + type.ordinal()); }

        @Override public boolean equals(Object other) {
            return other instanceof TlbFact t && level == t.level && type == t.type && pageBytes.equals(t.pageBytes)
                    && entries == t.entries && ways == t.ways && id == t.id;
        }
    }

    final int cpu;
    final String vendor;
    final int family, model, stepping;
    /** Leaf 1, EAX[13:12]: what Intel's processors are sold as; AMD reserves it. */
    final String type;
    final String name;
    final List<String> features;
    final String hypervisor;
    final boolean invariantTsc;
    int prefetchBytes;
    /** Intel: 20h Atom, 40h Core (leaf 1Ah); AMD: 0 performance, 1 efficiency; -1 if not told. */
    int coreType = -1;
    String coreTypeName = "";
    /** Greater is more powerful; orders kinds of cores. */
    int coreRank;

    int apicId;
    /** Bits of the APIC id below the core's and below the package's number. */
    int coreShift, packageShift;
    /** The package's APIC ids, less the id of the package: used where parts of it are not powers of two. */
    long packageId, coreId;
    /** Ids of the groups between core and package; the key is unique in the machine. */
    final List<GroupFact> groups = new ArrayList<>();
    final List<CacheFact> caches = new ArrayList<>();
    final List<TlbFact> tlbs = new ArrayList<>();
    /** What did not make sense. */
    final List<String> complaints = new ArrayList<>();

    record GroupFact(CpuGroup.Kind kind, long id) {}

    private final CpuidRecord record;
    private final CpuTables tables;
    private final int highest, highestExtended;
    /** Makers that are neither are read as Intel, whose leaves the others took over. */
    private final boolean amd, zhaoxin;

    CpuFacts(int cpu, CpuidRecord record, CpuTables tables) {
        this.cpu = cpu;
        this.tables = tables;
        this.record = record;
        highest = record.query(0, 0, EAX);
        int announced = record.query(0x80000000, 0, EAX);
        highestExtended = announced < 0 ? announced : 0x80000000;
        int centaur = record.query(0xC0000000, 0, EAX);

        vendor = text(record.query(0, 0, EBX), record.query(0, 0, EDX), record.query(0, 0, ECX));
        amd = vendor.equals("AuthenticAMD") || vendor.equals("HygonGenuine");
        zhaoxin = vendor.equals("CentaurHauls") || vendor.equals("Shanghai");
        int signature = record.query(1, 0, EAX);
        int baseFamily = signature >> 8 & 0xF;
        family = baseFamily == 0xF ? baseFamily + (signature >> 20 & 0xFF) : baseFamily;
        // Intel: extended model for families 6 and 0Fh; AMD: for 0Fh only, lower families have none; Zhaoxin: family 7 too.
        boolean extendedModel = baseFamily == 0xF || !amd && baseFamily >= 6;
        model = (signature >> 4 & 0xF) + (extendedModel ? (signature >> 16 & 0xF) << 4 : 0);
        stepping = signature & 0xF;
        type = amd ? "" : TYPES[signature >> 12 & 3];
        name = highestExtended >= 0x80000004 ? brand() : "";
        features = tables.features().of(record, highest, highestExtended, centaur < 0xC0000000 ? 0 : centaur);
        hypervisor = has("hypervisor") ? text(record.query(0x40000000, 0, EBX), record.query(0x40000000, 0, ECX),
                record.query(0x40000000, 0, EDX)) : "";
        invariantTsc = has("constant_tsc");

        topology();
        if (amd) {
            amdCaches();
            amdTlbs();
        } else {
            intelCaches();
            intelTlbs();
        }
    }

    boolean has(String feature) { return features.contains(feature); }

    // ---- identity ----

    private String brand() {
        var words = new int[12];
        for (int i = 0; i < 3; i++) System.arraycopy(record.query(0x80000002 + i, 0), 0, words, 4 * i, 4);
        return text(words);
    }

    /** Makes text of registers: up to the first NUL, control characters dropped, runs of blanks made one. */
    private static String text(int... words) {
        var bytes = new byte[4 * words.length];
        int length = 0;
        for (int i = 0; i < bytes.length; i++) {
            byte b = (byte) (words[i / 4] >>> 8 * (i % 4));
            if (b == 0) break;
            boolean blank = b <= ' ' || b == 127; // bytes above 127 are negative
            if (!blank) bytes[length++] = b;
            else if (length > 0 && bytes[length - 1] != ' ') bytes[length++] = ' ';
        }
        return new String(bytes, 0, length, StandardCharsets.US_ASCII).strip();
    }

    // ---- topology ----

    private void topology() {
        apicId = record.query(1, 0, EBX) >>> 24;
        // AMD says to prefer the extended leaf 80000026h, which also knows complexes and core types; Intel says to prefer 1Fh.
        if (amd && extended(0x80000026) && extendedLevels(0x80000026)) {
            amdCoreType();
        } else if (!amd && highest >= 0x1F && extendedLevels(0x1F)) {
            intelCoreType();
        } else if (highest >= 0xB && extendedLevels(0xB)) {
            intelCoreType();
        } else if (amd) {
            amdLegacyTopology();
        } else {
            intelLegacyTopology();
            intelCoreType();
        }
        packageId = Integer.toUnsignedLong(apicId) >>> packageShift;
        coreId = Integer.toUnsignedLong(apicId) >>> coreShift;
        if (amd) amdNodes();
    }

    private boolean extended(int leaf) { return highestExtended >= leaf; } // both are negative, and so ordered as wanted

    /** Leaves 0Bh, 1Fh and 80000026h: shift counts from each level to the next. Tells whether the leaf is in use. */
    private boolean extendedLevels(int leaf) {
        int[] first = record.query(leaf, 0);
        // A leaf that is announced but not implemented answers zeros (SDM: "if EBX[15:0] = 0, the leaf is not valid").
        if ((first[EBX] & 0xFFFF) == 0) return false;
        int core = 0, total = 0;
        var levels = new ArrayList<int[]>();
        for (int sub = 0; sub < MAX_SUBLEAVES; sub++) {
            int[] level = record.query(leaf, sub);
            int type = level[ECX] >> 8 & 0xFF;
            if (type == 0) break;
            int shift = level[EAX] & 0x1F;
            if (shift < total) {
                complaints.add("leaf " + Integer.toHexString(leaf) + "h, subleaf " + sub + ": shift " + shift
                        + " is below that of the level before, " + total);
                return false;
            }
            total = shift;
            levels.add(new int[] {type, shift});
        }
        apicId = first[EDX];
        packageShift = total;
        // Where leaf 80000026h ends below the socket (its type 4), the number of bits is that of the older leaf.
        if (leaf == 0x80000026 && !levels.isEmpty() && levels.getLast()[0] != 4 && extended(0x80000008)) {
            packageShift = Math.max(total, record.query(0x80000008, 0, ECX) >> 12 & 0xF);
        }
        // Shifting by a level's count leads, with Intel, to the id of the level above (type 1 is the thread, whose count
        // leads to the core); AMD names the level that it leads to (type 1 is the core). Either way type 1 has the core's.
        int below = 0;
        for (int[] level : levels) {
            CpuGroup.Kind kind = leaf == 0x80000026 ? amdLevel(level[0]) : intelLevel(level[0]);
            if (level[0] == 1) core = level[1];
            if (kind != null) {
                groups.add(new GroupFact(kind, Integer.toUnsignedLong(apicId) >>> (leaf == 0x80000026 ? level[1] : below)));
            }
            below = level[1];
        }
        coreShift = core;
        return true;
    }

    /** Level types of leaf 1Fh: 1 thread, 2 core, 3 module, 4 tile, 5 die, 6 die group. */
    private static CpuGroup.Kind intelLevel(int type) {
        return switch (type) {
            case 3 -> CpuGroup.Kind.MODULE;
            case 4 -> CpuGroup.Kind.TILE;
            case 5 -> CpuGroup.Kind.DIE;
            default -> null;
        };
    }

    /** Level types of leaf 80000026h: 1 core, 2 complex, 3 die, 4 socket. */
    private static CpuGroup.Kind amdLevel(int type) {
        return switch (type) {
            case 2 -> CpuGroup.Kind.COMPLEX;
            case 3 -> CpuGroup.Kind.DIE;
            default -> null;
        };
    }

    /** Leaf 1Ah, on hybrid processors (leaf 7, EDX bit 15) and on others that tell the type of their only kind. */
    private void intelCoreType() {
        if (highest < 0x1A) return;
        int type = record.query(0x1A, 0, EAX) >>> 24;
        if (type == 0x20) {
            coreType(type, 1, "IntelAtom");
        } else if (type == 0x40) {
            coreType(type, 2, "IntelCore");
        }
    }

    /**
     * Leaf 80000026h, EBX of the core level: core type in bits 31 to 28. It means something if EAX bit 30 (heterogeneous cores) is set;
     * the APM says so of "the current hierarchy level", which need not be the core's: cores that differ may first meet in the package.
     */
    private void amdCoreType() {
        int[] core = record.query(0x80000026, 0);
        boolean heterogeneous = false;
        for (int sub = 0; sub < MAX_SUBLEAVES; sub++) {
            int[] level = record.query(0x80000026, sub);
            if ((level[ECX] >> 8 & 0xFF) == 0) break;
            heterogeneous |= (level[EAX] >> 30 & 1) != 0;
        }
        if ((core[ECX] >> 8 & 0xFF) != 1 || !heterogeneous) return;
        switch (core[EBX] >>> 28) {
            case 0 -> coreType(0, 2, "AMDPerformance");
            case 1 -> coreType(1, 1, "AMDEfficiency");
            default -> complaints.add("leaf 80000026h: core type " + (core[EBX] >>> 28) + " is not known");
        }
    }

    private void coreType(int type, int rank, String typeName) {
        coreType = type;
        coreRank = rank;
        coreTypeName = typeName;
    }

    /** SDM volume 3A: leaf 1 counts ids of logical processors in a package, leaf 4 those of cores. */
    private void intelLegacyTopology() {
        int logical = has("ht") ? Math.max(1, record.query(1, 0, EBX) >> 16 & 0xFF) : 1;
        int cores = highest >= 4 && (record.query(4, 0, EAX) & 0x1F) != 0 ? (record.query(4, 0, EAX) >>> 26) + 1 : 1;
        packageShift = log2Up(Math.max(logical, cores));
        coreShift = packageShift - log2Up(cores);
    }

    /**
     * APM, "Legacy method": leaf 80000008h tells how many bits of the APIC id number the cores of a package (or, where
     * that field is 0, the number of cores, to be rounded up); leaf 8000001Eh how many threads each has from family 17h on.
     */
    private void amdLegacyTopology() {
        int size = extended(0x80000008) ? record.query(0x80000008, 0, ECX) : 0;
        int bits = size >> 12 & 0xF;
        if (bits == 0) bits = log2Up((size & 0xFF) + 1);
        if (!extended(0x80000008) && has("ht")) bits = log2Up(Math.max(1, record.query(1, 0, EBX) >> 16 & 0xFF));
        if (has("topoext") && extended(0x8000001E)) {
            apicId = record.query(0x8000001E, 0, EAX);
            // Before family 17h the same field counts the cores of a compute unit, which are cores, not threads.
            if (family >= 0x17) coreShift = log2Up((record.query(0x8000001E, 0, EBX) >> 8 & 0xFF) + 1);
        }
        packageShift = Math.max(bits, coreShift);
    }

    // ---- AMD: packages of two nodes ----

    /** Number of the node in the machine, where a package of family 10h or 15h has two of them; -1 otherwise. */
    private long nodeId = -1;

    /**
     * Families 10h and 15h in the G34 package are two dies, each a node with an L3 of its own (BKDG 31116 and 42301:
     * leaf 80000001h, EBX[31:28] = 3 is G34; "multi-node processor"). Cores number through the package without a gap, so
     * the nodes of a 12-core package are APIC ids 0 to 5 and 6 to 11, not a power of two. Family 15h tells the node in
     * leaf 8000001Eh, ECX[7:0]; for family 10h it follows from the number of cores, leaf 80000008h, ECX[7:0] + 1.
     */
    private void amdNodes() {
        if (family != 0x10 && family != 0x15 || record.query(0x80000001, 0, EBX) >>> 28 != 3) return;
        int cores = (record.query(0x80000008, 0, ECX) & 0xFF) + 1;
        if (cores < 2 || cores % 2 != 0) return;
        long inPackage = Integer.toUnsignedLong(apicId) - (packageId << packageShift);
        nodeId = 2 * packageId + Math.min(1, inPackage / (cores / 2));
        groups.add(new GroupFact(CpuGroup.Kind.DIE, nodeId));
    }

    // ---- caches ----

    /** Leaf 4, and where it tells nothing the descriptors of leaf 2. */
    private void intelCaches() {
        if (highest >= 4) deterministicCaches(4);
        if (highest >= 2) {
            for (int descriptor : descriptors()) {
                prefetchBytes = Math.max(prefetchBytes, IntelDescriptors.prefetchBytes(descriptor));
            }
        }
        if (!caches.isEmpty()) return;
        if (zhaoxin && extended(0x80000005)) {
            legacyL1();
            legacyCentaurL2();
        } else if (highest >= 2) {
            // Leaf 2 does not tell who shares. Processors without leaf 4 have one core, whose threads share everything.
            for (int descriptor : descriptors()) {
                for (var entry : tables.descriptors().caches(descriptor, family, model)) {
                    addCache(entry.level(), entry.type(), entry.sizeBytes(), entry.lineBytes(), entry.ways(), coreId);
                }
            }
        }
    }

    /** The bytes of leaf 2 that are descriptors: registers with bit 31 set hold none, nor does AL. */
    private List<Integer> descriptors() {
        var found = new ArrayList<Integer>();
        int[] registers = record.query(2, 0);
        for (int i = 0; i < 4; i++) {
            if (registers[i] < 0) continue;
            for (int shift = i == 0 ? 8 : 0; shift < 32; shift += 8) {
                int descriptor = registers[i] >> shift & 0xFF;
                if (descriptor != 0) found.add(descriptor);
            }
        }
        return found;
    }

    /** Leaf 4 (Intel) and 8000001Dh (AMD) have one form. */
    private void deterministicCaches(int leaf) {
        for (int sub = 0; sub < MAX_SUBLEAVES; sub++) {
            int[] r = record.query(leaf, sub);
            int typeField = r[EAX] & 0x1F;
            if (typeField == 0) return;
            if (typeField > 3) continue; // reserved types
            CacheType type = typeField == 1 ? CacheType.DATA : typeField == 2 ? CacheType.INSTRUCTION : CacheType.UNIFIED;
            int level = r[EAX] >> 5 & 7;
            int lineBytes = (r[EBX] & 0xFFF) + 1;
            int partitions = (r[EBX] >> 12 & 0x3FF) + 1;
            int ways = (r[EBX] >>> 22) + 1;
            long sets = Integer.toUnsignedLong(r[ECX]) + 1;
            long sizeBytes = sets * lineBytes * partitions * ways; // below 2^32 * 2^12 * 2^10 * 2^10: can pass 2^63
            if (level == 0 || sizeBytes <= 0 || sizeBytes > 1L << 50) {
                complaints.add("leaf " + Integer.toHexString(leaf) + "h, subleaf " + sub + ": absurd cache, level " + level
                        + ", " + sets + " sets, " + ways + " ways, " + lineBytes + "-byte lines");
                continue;
            }
            int sharing = (r[EAX] >> 14 & 0xFFF) + 1;
            long id = sharedId(sharing);
            // A G34 package's last-level cache is the node's, whose APIC ids are no aligned power of two: see amdNodes.
            if (leaf == 0x8000001D && level == 3 && nodeId >= 0) id = nodeId;
            boolean full = (r[EAX] >> 9 & 1) != 0;
            caches.add(new CacheFact(level, type, sizeBytes, lineBytes, full ? Cache.FULLY_ASSOCIATIVE : ways, sets,
                    (r[EDX] >> 1 & 1) != 0 ? Cache.Inclusion.INCLUSIVE : Cache.Inclusion.NOT_INCLUSIVE, id));
        }
    }

    /**
     * What CPUs have in common that share something with up to {@code count} APIC ids: the id without its low bits, and how
     * many those are, since on a hybrid processor 4 >> 2 of a kind that shares is not 1 >> 0 of one that does not.
     */
    private long sharedId(int count) {
        int shift = log2Up(count);
        return Integer.toUnsignedLong(apicId) >>> shift << 6 | shift;
    }

    private void addCache(int level, CacheType type, long sizeBytes, int lineBytes, int ways, long id) {
        if (sizeBytes <= 0) return;
        long sets = lineBytes <= 0 || ways <= 0 ? ways == Cache.FULLY_ASSOCIATIVE ? 1 : 0 : sizeBytes / lineBytes / ways;
        caches.add(new CacheFact(level, type, sizeBytes, lineBytes, ways, sets, Cache.Inclusion.UNKNOWN, id));
    }

    private void amdCaches() {
        if (has("topoext") && extended(0x8000001D)) deterministicCaches(0x8000001D);
        if (!caches.isEmpty() || !extended(0x80000005)) return;
        legacyL1();
        if (!extended(0x80000006)) return;
        int l2 = record.query(0x80000006, 0, ECX);
        // Without topology extensions no AMD processor shares its L2 between cores (compute units came with them).
        addCache(2, CacheType.UNIFIED, (l2 >>> 16) * 1024L, l2 & 0xFF, amdWays(l2 >> 12 & 0xF), coreId);
        int l3 = record.query(0x80000006, 0, EDX);
        long sizeBytes = (l3 >>> 18) * (512L << 10);
        int ways = amdWays(l3 >> 12 & 0xF);
        long id = packageId;
        if (nodeId >= 0) {
            // "L3Size ... is the sum of the L3 sizes of all nodes" and "L3Assoc" likewise of a multi-node processor (BKDG 31116,
            // CPUID Fn8000_0006_EDX); see amdNodes.
            sizeBytes /= 2;
            if (ways > 0 && ways % 2 == 0) ways /= 2;
            id = nodeId;
        }
        addCache(3, CacheType.UNIFIED, sizeBytes, l3 & 0xFF, ways, id);
    }

    /** Leaf 80000005h: size in KB, associativity (FFh: full), lines for each tag, line size. Shared by the threads of a core. */
    private void legacyL1() {
        for (int register = ECX; register <= EDX; register++) {
            int r = record.query(0x80000005, 0, register);
            int ways = r >> 16 & 0xFF;
            addCache(1, register == ECX ? CacheType.DATA : CacheType.INSTRUCTION, (r >>> 24) * 1024L, r & 0xFF,
                    ways == 0xFF ? Cache.FULLY_ASSOCIATIVE : ways, coreId);
        }
    }

    /**
     * Centaur's leaf 80000006h, ECX. The C3 (family 6, models 7 and 8) has the size in the top byte, and the Nehemiah
     * (model 9, stepping 1) tells 65 KB where it has 64 (arch/x86/kernel/cpu/centaur.c).
     */
    private void legacyCentaurL2() {
        if (!extended(0x80000006)) return;
        int r = record.query(0x80000006, 0, ECX);
        long kilobytes = r >>> 16;
        if (family == 6 && (model == 7 || model == 8)) kilobytes >>= 8;
        if (family == 6 && model == 9 && stepping == 1 && kilobytes == 65) kilobytes = 64;
        addCache(2, CacheType.UNIFIED, kilobytes * 1024, r & 0xFF, amdWays(r >> 12 & 0xF), packageId);
    }

    /** The code for an associativity in leaf 80000006h (APM volume 3, table "L2/L3 Cache and TLB Associativity Field Encoding"). */
    private static int amdWays(int code) {
        return switch (code) {
            case 1, 2, 3, 4 -> code;
            case 5 -> 6;
            case 6 -> 8;
            case 8 -> 16;
            case 0xA -> 32;
            case 0xB -> 48;
            case 0xC -> 64;
            case 0xD -> 96;
            case 0xE -> 128;
            case 0xF -> Cache.FULLY_ASSOCIATIVE;
            default -> 0; // 0 disabled, 7 reserved, 9 "see leaf 8000001Dh"
        };
    }

    // ---- translation buffers ----

    private static final long K4 = 4 << 10, M2 = 2 << 20, M4 = 4 << 20, G1 = 1 << 30;

    private void addTlb(int level, CacheType type, List<Long> pages, int entries, int ways) {
        if (entries > 0) tlbs.add(new TlbFact(level, type, pages, entries, ways, coreId));
    }

    private void amdTlbs() {
        if (extended(0x80000005)) legacyL1Tlbs();
        if (extended(0x80000006)) {
            levelTwo(record.query(0x80000006, 0, EBX), K4);
            levelTwo(record.query(0x80000006, 0, EAX), M2);
        }
        if (extended(0x80000019)) {
            int[] giga = record.query(0x80000019, 0);
            for (int i = EAX; i <= EBX; i++) {
                addTlb(1 + i, CacheType.DATA, List.of(G1), giga[i] >> 16 & 0xFFF, amdWays(giga[i] >>> 28));
                addTlb(1 + i, CacheType.INSTRUCTION, List.of(G1), giga[i] & 0xFFF, amdWays(giga[i] >> 12 & 0xF));
            }
        }
    }

    /** Leaf 80000005h: EAX for pages of 2 MB (a 4-MB page takes two entries), EBX for 4 KB. */
    private void legacyL1Tlbs() {
        for (int register = EAX; register <= EBX; register++) {
            int r = record.query(0x80000005, 0, register);
            List<Long> pages = List.of(register == EAX ? M2 : K4);
            addTlb(1, CacheType.DATA, pages, r >> 16 & 0xFF, legacyTlbWays(r >>> 24));
            addTlb(1, CacheType.INSTRUCTION, pages, r & 0xFF, legacyTlbWays(r >> 8 & 0xFF));
        }
    }

    private static int legacyTlbWays(int field) { return field == 0xFF ? Cache.FULLY_ASSOCIATIVE : field; }

    /** Half a register for data, half for code; if the upper half is 0, the lower describes one for both (APM). */
    private void levelTwo(int r, long page) {
        if (r >>> 16 == 0) {
            addTlb(2, CacheType.UNIFIED, List.of(page), r & 0xFFF, amdWays(r >> 12 & 0xF));
        } else {
            addTlb(2, CacheType.DATA, List.of(page), r >> 16 & 0xFFF, amdWays(r >>> 28));
            addTlb(2, CacheType.INSTRUCTION, List.of(page), r & 0xFFF, amdWays(r >> 12 & 0xF));
        }
    }

    private void intelTlbs() {
        // Zhaoxin fills AMD's leaf, more precisely than leaf 2; Intel's is all zero there.
        if (zhaoxin && extended(0x80000005)) legacyL1Tlbs();
        if (tlbs.isEmpty() && highest >= 0x18) addressTranslation();
        if (!tlbs.isEmpty() || highest < 2) return;
        for (int descriptor : descriptors()) {
            for (var entry : tables.descriptors().tlbs(descriptor)) {
                addTlb(entry.level(), entry.type(), entry.pageBytes(), entry.entries(), entry.ways());
            }
        }
    }

    /** Leaf 18h, "Deterministic address translation parameters". Load-only and store-only buffers count as data. */
    private void addressTranslation() {
        int last = record.query(0x18, 0, EAX);
        for (int sub = 0; sub <= last && sub < MAX_SUBLEAVES && sub >= 0; sub++) {
            int[] r = record.query(0x18, sub);
            int typeField = r[EDX] & 0x1F;
            if (typeField == 0 || typeField > 5) continue;
            CacheType type = typeField == 2 ? CacheType.INSTRUCTION : typeField == 3 ? CacheType.UNIFIED : CacheType.DATA;
            var pages = new ArrayList<Long>();
            if ((r[EBX] & 1) != 0) pages.add(K4);
            if ((r[EBX] & 2) != 0) pages.add(M2);
            if ((r[EBX] & 4) != 0) pages.add(M4);
            if ((r[EBX] & 8) != 0) pages.add(G1);
            int level = r[EDX] >> 5 & 7;
            int ways = r[EBX] >>> 16;
            long entries = ways * Integer.toUnsignedLong(r[ECX]);
            if (level == 0 || pages.isEmpty() || entries <= 0 || entries > 1 << 24) {
                complaints.add("leaf 18h, subleaf " + sub + ": absurd translation buffer, level " + level + ", " + entries
                        + " entries");
                continue;
            }
            boolean full = (r[EDX] >> 8 & 1) != 0;
            long id = sharedId((r[EDX] >> 14 & 0xFFF) + 1);
            tlbs.add(new TlbFact(level, type, List.copyOf(pages), (int) entries, full ? Cache.FULLY_ASSOCIATIVE : ways, id));
        }
    }

    /** Returns the number of bits that number {@code count} things. */
    static int log2Up(int count) { return count <= 1 ? 0 : 32 - Integer.numberOfLeadingZeros(count - 1); }
}
