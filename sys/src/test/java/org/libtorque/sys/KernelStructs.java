package org.libtorque.sys;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.StructLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Every struct and every constant that this package declares, found by reflection. */
final class KernelStructs {
    static final List<Class<?>> FACILITIES = List.of(Affinity.class, Clocks.class, Epoll.class, Errno.class, EventFd.class,
            Files.class, Inotify.class, IoUring.class, Limits.class, Mapping.class, Namespaces.class, Netlink.class, PidFd.class, Poll.class,
            Processes.class, SignalFd.class, SocketAddresses.class, Sockets.class, TimerFd.class);

    private KernelStructs() {}

    /** Classes that describe a struct, each with its layout on this machine. */
    static Map<Class<?>, StructLayout> structs() {
        var structs = new LinkedHashMap<Class<?>, StructLayout>();
        for (Class<?> facility : FACILITIES) {
            for (Class<?> nested : facility.getDeclaredClasses()) {
                try {
                    Field layout = nested.getDeclaredField("LAYOUT");
                    structs.put(nested, (StructLayout) layout.get(null));
                } catch (NoSuchFieldException e) {
                    continue; // not a struct
                } catch (IllegalAccessException e) {
                    throw new AssertionError(e);
                }
            }
        }
        return structs;
    }

    /** The public constants of a class, by name. */
    static Map<String, Long> constants(Class<?> type) {
        var constants = new LinkedHashMap<String, Long>();
        for (Field field : type.getDeclaredFields()) {
            int modifiers = field.getModifiers();
            if (!Modifier.isPublic(modifiers) || !Modifier.isStatic(modifiers)) continue;
            try {
                if (field.get(null) instanceof Number n) constants.put(field.getName(), n.longValue());
            } catch (IllegalAccessException e) {
                throw new AssertionError(e);
            }
        }
        return constants;
    }

    /** Size and offsets as one line: {@code msghdr 56: msg_name 0, msg_namelen 8, ...}. */
    static String describe(StructLayout layout) {
        var members = new ArrayList<String>();
        long offset = 0;
        for (MemoryLayout member : layout.memberLayouts()) {
            if (!(member instanceof PaddingLayout)) members.add(member.name().orElseThrow() + " " + offset);
            offset += member.byteSize();
        }
        return layout.name().orElseThrow() + " " + layout.byteSize() + ": " + String.join(", ", members);
    }
}
