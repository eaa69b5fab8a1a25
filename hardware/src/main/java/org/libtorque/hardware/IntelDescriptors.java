package org.libtorque.hardware;

import java.util.ArrayList;
import java.util.List;

/**
 * The descriptor bytes of CPUID leaf 2 (Intel SDM volume 2A, CPUID, table "Encoding of CPUID Leaf 2 Descriptors"), which
 * Zhaoxin uses as well. Those that only point to other leaves (0FEh: TLBs in leaf 18h; 0FFh: caches in leaf 4) have no entry, because these are read first.
 */
final class IntelDescriptors {
    record CacheEntry(int level, CacheType type, long sizeBytes, int ways, int lineBytes) {}

    record TlbEntry(int level, CacheType type, List<Long> pageBytes, int entries, int ways) {}

    /**
     * Descriptor; {@code c} level-and-type size ways line, or {@code t} level-and-type pages entries ways. Ways 0: not told,
     * -1: fully associative. A descriptor may have several lines. The SDM calls first and second level of data TLBs
     * DTLB0 and DTLB1 where a processor has both; 6Ah is the first level (uTLB) of processors whose 6Bh to 6Dh are the
     * second. Trace caches (70h to 73h) count micro-operations, not bytes, and are left out.
     */
    private static final String TABLE = """
            01 t 1i 4K 32 4
            02 t 1i 4M 2 -1
            03 t 1d 4K 64 4
            04 t 1d 4M 8 4
            05 t 2d 4M 32 4
            06 c 1i 8K 4 32
            08 c 1i 16K 4 32
            09 c 1i 32K 4 64
            0a c 1d 8K 2 32
            0b t 1i 4M 4 4
            0c c 1d 16K 4 32
            0d c 1d 16K 4 64
            0e c 1d 24K 6 64
            1d c 2u 128K 2 64
            21 c 2u 256K 8 64
            22 c 3u 512K 4 64
            23 c 3u 1M 8 64
            24 c 2u 1M 16 64
            25 c 3u 2M 8 64
            29 c 3u 4M 8 64
            2c c 1d 32K 8 64
            30 c 1i 32K 8 64
            41 c 2u 128K 4 32
            42 c 2u 256K 4 32
            43 c 2u 512K 4 32
            44 c 2u 1M 4 32
            45 c 2u 2M 4 32
            46 c 3u 4M 4 64
            47 c 3u 8M 8 64
            48 c 2u 3M 12 64
            49 c 2u 4M 16 64
            4a c 3u 6M 12 64
            4b c 3u 8M 16 64
            4c c 3u 12M 12 64
            4d c 3u 16M 16 64
            4e c 2u 6M 24 64
            4f t 1i 4K 32 0
            50 t 1i 4K,2M,4M 64 0
            51 t 1i 4K,2M,4M 128 0
            52 t 1i 4K,2M,4M 256 0
            55 t 1i 2M,4M 7 -1
            56 t 1d 4M 16 4
            57 t 1d 4K 16 4
            59 t 1d 4K 16 -1
            5a t 1d 2M,4M 32 4
            5b t 1d 4K,4M 64 0
            5c t 1d 4K,4M 128 0
            5d t 1d 4K,4M 256 0
            60 c 1d 16K 8 64
            61 t 1i 4K 48 -1
            63 t 1d 2M,4M 32 4
            63 t 1d 1G 4 4
            64 t 1d 4K 512 4
            66 c 1d 8K 4 64
            67 c 1d 16K 4 64
            68 c 1d 32K 4 64
            6a t 1d 4K 64 8
            6b t 2d 4K 256 8
            6c t 2d 2M,4M 128 8
            6d t 2d 1G 16 -1
            76 t 1i 2M,4M 8 -1
            78 c 2u 1M 4 64
            79 c 2u 128K 8 64
            7a c 2u 256K 8 64
            7b c 2u 512K 8 64
            7c c 2u 1M 8 64
            7d c 2u 2M 8 64
            7f c 2u 512K 2 64
            80 c 2u 512K 8 64
            82 c 2u 256K 8 32
            83 c 2u 512K 8 32
            84 c 2u 1M 8 32
            85 c 2u 2M 8 32
            86 c 2u 512K 4 64
            87 c 2u 1M 8 64
            a0 t 1d 4K 32 -1
            b0 t 1i 4K 128 4
            b1 t 1i 2M 8 4
            b2 t 1i 4K 64 4
            b3 t 1d 4K 128 4
            b4 t 2d 4K 256 4
            b5 t 1i 4K 64 8
            b6 t 1i 4K 128 8
            ba t 2d 4K 64 4
            c0 t 1d 4K,4M 8 4
            c1 t 2u 4K,2M 1024 8
            c2 t 1d 4K,2M 16 4
            c3 t 2u 4K,2M 1536 6
            c3 t 2u 1G 16 4
            c4 t 1d 2M,4M 32 4
            ca t 2u 4K 512 4
            d0 c 3u 512K 4 64
            d1 c 3u 1M 4 64
            d2 c 3u 2M 4 64
            d6 c 3u 1M 8 64
            d7 c 3u 2M 8 64
            d8 c 3u 4M 8 64
            dc c 3u 1536K 12 64
            dd c 3u 3M 12 64
            de c 3u 6M 12 64
            e2 c 3u 2M 16 64
            e3 c 3u 4M 16 64
            e4 c 3u 8M 16 64
            ea c 3u 12M 24 64
            eb c 3u 18M 24 64
            ec c 3u 24M 24 64
            """;

    private final List<List<CacheEntry>> caches = new ArrayList<>();
    private final List<List<TlbEntry>> tlbs = new ArrayList<>();

    /** Reads the table. */
    IntelDescriptors() {
        for (int i = 0; i < 256; i++) {
            caches.add(List.of());
            tlbs.add(List.of());
        }
        for (String line : TABLE.split("\n")) {
            String[] f = line.split(" ");
            int descriptor = Integer.parseInt(f[0], 16);
            int level = f[2].charAt(0) - '0';
            CacheType type = switch (f[2].charAt(1)) {
                case 'i' -> CacheType.INSTRUCTION;
                case 'd' -> CacheType.DATA;
                default -> CacheType.UNIFIED;
            };
            if (f[1].equals("c")) {
                caches.set(descriptor, List.of(new CacheEntry(level, type, Sizes.parse(f[3]), Integer.parseInt(f[4]),
                        Integer.parseInt(f[5]))));
            } else {
                var pages = new ArrayList<Long>();
                for (String page : f[3].split(",")) pages.add(Sizes.parse(page));
                var entries = new ArrayList<>(tlbs.get(descriptor));
                entries.add(new TlbEntry(level, type, List.copyOf(pages), Integer.parseInt(f[4]), Integer.parseInt(f[5])));
                tlbs.set(descriptor, List.copyOf(entries));
            }
        }
    }

    /**
     * Returns the caches that a descriptor byte tells, on a processor of this family and model: 49h is a third-level cache
     * on the Xeon MP of family 0Fh, model 06h, and a second-level cache elsewhere (SDM, same table).
     */
    List<CacheEntry> caches(int descriptor, int family, int model) {
        if (descriptor == 0x49 && family == 0xF && model == 6) {
            return List.of(new CacheEntry(3, CacheType.UNIFIED, 4 << 20, 16, 64));
        }
        return caches.get(descriptor);
    }

    /** Returns the translation buffers that a descriptor byte tells. */
    List<TlbEntry> tlbs(int descriptor) { return tlbs.get(descriptor); }

    /** Returns how many bytes a prefetch fetches by this descriptor; 0 if it is about something else. */
    static int prefetchBytes(int descriptor) { return descriptor == 0xF0 ? 64 : descriptor == 0xF1 ? 128 : 0; }
}
