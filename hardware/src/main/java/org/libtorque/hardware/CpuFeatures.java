package org.libtorque.hardware;

import java.util.ArrayList;
import java.util.List;

/**
 * Names of the abilities that CPUID tells, in the spelling of {@code /proc/cpuinfo} (arch/x86/include/asm/cpufeatures.h),
 * so that the two can be compared.
 */
final class CpuFeatures {
    /** Leaf, subleaf, register, then the names from bit 0 up; {@code -} stands for a bit without a name, {@code @n} skips to bit n. */
    private static final String TABLE = """
            1 0 d fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe
            1 0 c pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor
            6 0 a dtherm ida arat - pln - pts hwp hwp_notify hwp_act_window hwp_epp hwp_pkg_req @19 hfi
            6 0 c aperfmperf @3 epb
            7 0 b fsgsbase tsc_adjust sgx bmi1 hle avx2 - smep bmi2 erms invpcid rtm cqm - mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma - clflushopt clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl
            7 0 c prefetchwt1 avx512vbmi umip pku ospke waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni avx512_bitalg tme avx512_vpopcntdq - la57 @22 rdpid - bus_lock_detect cldemote - movdiri movdir64b enqcmd sgx_lc
            7 0 d @2 avx512_4vnniw avx512_4fmaps fsrm @8 avx512_vp2intersect - md_clear @14 serialize hybrid_cpu tsxldtrk - pconfig arch_lbr ibt - amx_bf16 avx512_fp16 amx_tile amx_int8 @28 flush_l1d arch_capabilities
            7 1 a @4 avx_vnni avx512_bf16 - - - - fzrm fsrs fsrc @17 fred lkgs @21 amx_fp16 - avx_ifma @26 lam
            7 1 d @4 avx_vnni_int8 avx_ne_convert @14 prefetchi @19 avx10
            d 1 a xsaveopt xsavec xgetbv1 xsaves
            80000001 0 d @11 syscall @19 mp nx - mmxext @25 fxsr_opt pdpe1gb rdtscp - lm 3dnowext 3dnow
            80000001 0 c lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc perfctr_llc mwaitx
            80000007 0 d @7 hw_pstate constant_tsc cpb
            80000008 0 b clzero irperf xsaveerptr - rdpru @9 wbnoinvd
            8000000a 0 d npt lbrv svm_lock nrip_save tsc_scale vmcb_clean flushbyasid decodeassists - - pausefilter - pfthreshold avic - v_vmsave_vmload vgif
            8000001f 0 a sme sev - sev_es
            c0000001 0 d @2 rng rng_en - - ace ace_en ace2 ace2_en phe phe_en pmm pmm_en
            """;

    private record Word(int leaf, int subleaf, int register, String[] names) {}

    private final List<Word> words = new ArrayList<>();

    /** Reads the table. */
    CpuFeatures() {
        for (String line : TABLE.split("\n")) {
            String[] f = line.split(" ");
            var names = new String[32];
            int bit = 0;
            for (int i = 3; i < f.length; i++) {
                if (f[i].charAt(0) == '@') bit = Integer.parseInt(f[i].substring(1));
                else names[bit++] = f[i].equals("-") ? null : f[i];
            }
            words.add(new Word(Integer.parseUnsignedInt(f[0], 16), Integer.parseInt(f[1]), f[2].charAt(0) - 'a', names));
        }
    }

    /** Returns the names of the abilities that a CPU tells, sorted. Leaves beyond the highest it announces are not asked. */
    List<String> of(CpuidRecord cpu, int highest, int highestExtended, int highestCentaur) {
        var found = new ArrayList<String>();
        for (Word word : words) {
            int limit = word.leaf >= 0 ? highest : word.leaf < 0xC0000000 ? highestExtended : highestCentaur;
            if (Integer.compareUnsigned(word.leaf, limit) > 0 || word.subleaf == 1 && word.leaf == 7 && cpu.query(7, 0, 0) < 1) {
                continue;
            }
            int bits = cpu.query(word.leaf, word.subleaf, word.register);
            for (; bits != 0; bits &= bits - 1) {
                String name = word.names[Integer.numberOfTrailingZeros(bits)];
                if (name != null) found.add(name);
            }
        }
        // The kernel calls the same bit by a second name: the counter also runs in deep sleep.
        if (found.contains("constant_tsc")) found.add("nonstop_tsc");
        found.sort(null);
        return found;
    }
}
