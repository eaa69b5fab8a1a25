package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a library of ours with NVML's functions, since few machines that build this have a GPU. */
class NvmlTest {
    private static final String LIBRARY = """
            #include <string.h>
            static int shut;
            int nvmlInit_v2(void) { return shut; }
            int nvmlShutdown(void) { shut = 1; return 0; }
            int nvmlDeviceGetCount_v2(unsigned *n) { *n = 3; return 0; }
            int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **d) { *d = (void *)(long)(i + 1); return i == 1 ? 3 : 0; }
            int nvmlDeviceGetName(void *d, char *s, unsigned n) { strncpy(s, d == (void *)1 ? "GPU one" : "GPU three", n); return 0; }
            int nvmlDeviceGetCudaComputeCapability(void *d, int *a, int *b) { *a = 8; *b = 6; return 0; }
            %s
            struct memory { unsigned long long total, free, used; };
            int nvmlDeviceGetMemoryInfo(void *d, struct memory *m) { m->total = 24ULL << 30; return 0; }
            struct pci { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; };
            int nvmlDeviceGetPciInfo_v3(void *d, struct pci *p) { strcpy(p->bus_id, "00000000:3B:00.0"); return sizeof *p == 68 ? 0 : 2; }
            """;

    @TempDir Path folder;

    private String library(String functions) throws Exception {
        assumeTrue(Stream.of(System.getenv("PATH").split(":")).anyMatch(p -> Files.isExecutable(Path.of(p, "gcc"))), "gcc is not installed");
        Path source = folder.resolve("nvml.c"), library = folder.resolve("libnvml.so");
        Files.writeString(source, LIBRARY.formatted(functions));
        Process gcc = new ProcessBuilder("gcc", "-shared", "-fPIC", "-w", "-o", library.toString(), source.toString()).inheritIO().start();
        assertEquals(0, gcc.waitFor());
        return library.toString();
    }

    @Test void everyGpuThatAnswersIsReadAndOneThatFailsIsLeftOut() throws Exception {
        String library = library("int nvmlDeviceGetNumGpuCores(void *d, unsigned *n) { *n = 10752; return 0; }");
        assertEquals(List.of(new Nvml.Device("GPU one", 8, 6, 10752, 24L << 30, "00000000:3B:00.0"),
                new Nvml.Device("GPU three", 8, 6, 10752, 24L << 30, "00000000:3B:00.0")), Nvml.devices(library));
    }

    @Test void whatAnOldDriverCannotTellIsZero() throws Exception {
        assertEquals(0, Nvml.devices(library("")).getFirst().cores());
    }

    @Test void withoutTheLibraryOrItsFunctionsThereAreNoGpus() {
        assertEquals(List.of(), Nvml.devices("libno-such-library.so.1"));
        assertEquals(List.of(), Nvml.devices("libm.so.6"), "a library without NVML's functions");
    }
}
