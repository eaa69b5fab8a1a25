package org.libtorque.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The NVIDIA driver's management library (nvml.h), loaded at run time. Functions that an old driver lacks leave their part
 * of the answer at 0. Loading it costs tens of milliseconds where there is a GPU, and a look at one file where there is none.
 */
public final class Nvml {
    /** A GPU. Numbers that the driver does not tell are 0, texts empty. */
    public record Device(String name, int computeMajor, int computeMinor, int cores, long memoryBytes, String pciAddress) {}

    private static final String LIBRARY = "libnvidia-ml.so.1";
    /** NVML_DEVICE_NAME_V2_BUFFER_SIZE. */
    private static final int NAME_BYTES = 96;
    /** nvmlPciInfo_t: char[16], five unsigned ints, char[32]. */
    private static final int PCI_BYTES = 68, PCI_BUS_ID = 36, PCI_BUS_ID_BYTES = 32;
    /** A driver that counts more than this has lost its mind. */
    private static final int MAX_DEVICES = 256;

    private final SymbolLookup library;
    private final Arena arena;

    private Nvml(SymbolLookup library, Arena arena) {
        this.library = library;
        this.arena = arena;
    }

    /** Returns all GPUs; none if the library, the driver or a GPU is missing. Never throws on account of the driver. */
    public static List<Device> devices() { return devices(LIBRARY); }

    @SuppressWarnings("restricted")
    static List<Device> devices(String libraryName) {
        try (Arena arena = Arena.ofConfined()) {
            SymbolLookup library;
            try {
                library = SymbolLookup.libraryLookup(libraryName, arena);
            } catch (IllegalArgumentException e) {
                return List.of(); // there is no such library
            }
            return new Nvml(library, arena).read();
        }
    }

    private List<Device> read() {
        if (call("nvmlInit_v2") != 0) return List.of();
        try {
            var devices = new ArrayList<Device>();
            MemorySegment count = arena.allocate(JAVA_INT);
            if (call("nvmlDeviceGetCount_v2", count) != 0) return List.of();
            for (int i = 0; i < count.get(JAVA_INT, 0) && i < MAX_DEVICES; i++) {
                MemorySegment handle = arena.allocate(JAVA_LONG);
                if (call("nvmlDeviceGetHandleByIndex_v2", i, handle) == 0) devices.add(device(handle.get(ADDRESS, 0)));
            }
            return devices;
        } finally {
            call("nvmlShutdown");
        }
    }

    private Device device(MemorySegment handle) {
        MemorySegment name = arena.allocate(NAME_BYTES);
        boolean named = call("nvmlDeviceGetName", handle, name, NAME_BYTES) == 0;
        MemorySegment compute = arena.allocate(JAVA_INT, 2);
        call("nvmlDeviceGetCudaComputeCapability", handle, compute, compute.asSlice(4));
        MemorySegment cores = arena.allocate(JAVA_INT);
        call("nvmlDeviceGetNumGpuCores", handle, cores);
        MemorySegment memory = arena.allocate(JAVA_LONG, 3); // nvmlMemory_t: total, free, used
        call("nvmlDeviceGetMemoryInfo", handle, memory);
        MemorySegment pci = arena.allocate(PCI_BYTES, 4);
        boolean located = call("nvmlDeviceGetPciInfo_v3", handle, pci) == 0;
        return new Device(named ? text(name) : "", compute.get(JAVA_INT, 0), compute.get(JAVA_INT, 4),
                Math.max(0, cores.get(JAVA_INT, 0)), Math.max(0, memory.get(JAVA_LONG, 0)),
                located ? text(pci.asSlice(PCI_BUS_ID, PCI_BUS_ID_BYTES)) : "");
    }

    private static String text(MemorySegment bytes) {
        byte[] copy = bytes.toArray(ValueLayout.JAVA_BYTE);
        int length = 0;
        while (length < copy.length && copy[length] != 0) length++;
        return new String(copy, 0, length, StandardCharsets.UTF_8).strip();
    }

    /** Calls a function that returns nvmlReturn_t; 0 is success, and -1 stands here for a function that there is not. */
    @SuppressWarnings("restricted")
    private int call(String function, Object... arguments) {
        MemorySegment address = library.find(function).orElse(null);
        if (address == null) return -1;
        var parameters = new ValueLayout[arguments.length];
        for (int i = 0; i < parameters.length; i++) {
            if (arguments[i] instanceof Integer) parameters[i] = JAVA_INT;
            else parameters[i] = ADDRESS;
        }
        MethodHandle handle = Linker.nativeLinker().downcallHandle(address, FunctionDescriptor.of(JAVA_INT, parameters));
        try {
            return (int) handle.invokeWithArguments(arguments);
        } catch (Throwable t) { throw Libc.impossible(t); }
    }
}
