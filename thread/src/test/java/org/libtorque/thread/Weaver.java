package org.libtorque.thread;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.FieldModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.CodeModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.VarHandle;
import java.lang.reflect.AccessFlag;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.libtorque.sys.Handles;

/**
 * Loads this package's classes a second time, with {@link Interleaver#step} before each access by {@link VarHandle} or to a volatile field, and the interleaver in the place of
 * {@code LockSupport}, of the clock, and of what {@code Thread} says about the current one. So code is explored as it is, without a seam that it would have to pay for.
 */
final class Weaver extends ClassLoader {
    /** A mistake to be planted. */
    enum Mistake {
        NONE(null, null),
        /** Threads may be told at the same time that they have the guard. */
        TORN_GUARD("Guard", null),
        /** Threads may be told at the same time that they have the mutex. */
        TORN_MUTEX("Mutex", "tryTake"),
        /** A waiter that was woken and gives up does not wake the next. */
        WAKE_UP_NOT_PASSED_ON("Mutex", "leave"),
        /** Those who sleep at a barrier's end are not looked for. */
        SLEEPERS_FORGOTTEN("BarrierRounds", "wakeAll");

        final String type, method;

        Mistake(String type, String method) {
            this.type = type;
            this.method = method;
        }

        boolean isAt(ClassModel in, MethodModel method) {
            return type != null && in.thisClass().asInternalName().equals(PACKAGE.replace('.', '/') + type)
                    && (this.method == null || method.methodName().equalsString(this.method));
        }
    }

    private static final String PACKAGE = "org.libtorque.thread.";
    /** Loaded a second time too: its module exports it to ours, and not to what is loaded here. */
    private static final String HANDLES = Handles.class.getName();
    private static final ClassDesc HOOKS = ClassDesc.of(Interleaver.class.getName());
    private static final ClassDesc OBJECT = ConstantDescs.CD_Object, THREAD = ClassDesc.of("java.lang.Thread"), HANDLE = ConstantDescs.CD_VarHandle;
    private static final Set<String> SHARED = Set.of(PACKAGE + "Interleaver", PACKAGE + "Scenario", PACKAGE + "Scenario$Body");

    private final Mistake mistake;
    private final Map<String, Set<String>> volatiles = new HashMap<>();

    Weaver(Mistake mistake) {
        super(Weaver.class.getClassLoader());
        this.mistake = mistake;
    }

    /** Makes a woven instance of a scenario's class. */
    Scenario scenario(Class<? extends Scenario> type) {
        try {
            var constructor = Class.forName(type.getName(), true, this).getDeclaredConstructor();
            constructor.setAccessible(true);
            return (Scenario) constructor.newInstance();
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    @Override protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!(name.startsWith(PACKAGE) || name.equals(HANDLES)) || SHARED.contains(name)) return super.loadClass(name, resolve);
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            if (loaded != null) return loaded;
            byte[] bytes = weave(name);
            return defineClass(name, bytes, 0, bytes.length);
        }
    }

    private static byte[] read(String name) {
        Class<?> neighbour = name.equals(HANDLES) ? Handles.class : Weaver.class;
        try (InputStream in = neighbour.getResourceAsStream(name.substring(name.lastIndexOf('.') + 1) + ".class")) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private byte[] weave(String name) {
        ClassFile files = ClassFile.of();
        ClassModel model = files.parse(read(name));
        return files.transformClass(model, (ClassTransform) (builder, element) -> {
            if (!(element instanceof MethodModel method)) {
                builder.with(element);
                return;
            }
            boolean mistaken = mistake.isAt(model, method);
            CodeTransform code = (b, e) -> weave(b, e, mistaken);
            builder.transformMethod(method, (MethodTransform) (mb, me) -> {
                if (me instanceof CodeModel body) mb.transformCode(body, code);
                else mb.with(me);
            });
        });
    }

    private void weave(CodeBuilder b, CodeElement e, boolean mistaken) {
        if (e instanceof FieldInstruction f && isVolatile(f)) {
            step(b);
        } else if (e instanceof InvokeInstruction i) {
            String owner = i.owner().asInternalName(), method = i.name().stringValue();
            if (owner.equals("java/lang/invoke/VarHandle") && !method.endsWith("Fence")) {
                boolean set = method.equals("compareAndSet") || method.startsWith("weakCompareAndSet");
                MethodTypeDesc type = i.typeSymbol();
                if (mistaken && type.parameterCount() == 3 && (set || method.equals("compareAndExchange")) && type.parameterType(1).equals(ConstantDescs.CD_int)) {
                    if (set) {
                        b.invokestatic(HOOKS, "tornCompareAndSet", MethodTypeDesc.of(ConstantDescs.CD_boolean, HANDLE, OBJECT, ConstantDescs.CD_int, ConstantDescs.CD_int));
                    } else {
                        b.invokestatic(HOOKS, "tornCompareAndExchange",
                                MethodTypeDesc.of(ConstantDescs.CD_int, HANDLE, OBJECT, ConstantDescs.CD_int, ConstantDescs.CD_int));
                    }
                    return;
                }
                step(b);
            } else if (owner.equals("java/util/concurrent/locks/LockSupport")) {
                b.invokestatic(HOOKS, method, i.typeSymbol());
                return;
            } else if (owner.equals("java/lang/System") && method.equals("nanoTime")) {
                b.invokestatic(HOOKS, method, i.typeSymbol());
                return;
            } else if (owner.equals("java/lang/Thread") && Set.of("currentThread", "yield", "onSpinWait", "interrupted").contains(method)) {
                b.invokestatic(HOOKS, method, i.typeSymbol());
                return;
            } else if (owner.equals("java/lang/Thread") && (method.equals("interrupt") || method.equals("isInterrupted"))) {
                b.invokestatic(HOOKS, method, i.typeSymbol().insertParameterTypes(0, THREAD));
                return;
            } else if (mistaken && owner.endsWith("/Parker") && method.equals("unpark")) {
                b.pop();
                return;
            }
        }
        b.with(e);
    }

    private static void step(CodeBuilder b) { b.invokestatic(HOOKS, "step", ConstantDescs.MTD_void); }

    private boolean isVolatile(FieldInstruction f) {
        if (f.opcode() == Opcode.GETSTATIC || f.opcode() == Opcode.PUTSTATIC) return false;
        String owner = f.owner().asInternalName().replace('/', '.');
        return owner.startsWith(PACKAGE) && volatiles.computeIfAbsent(owner, Weaver::volatilesOf).contains(f.name().stringValue());
    }

    private static Set<String> volatilesOf(String owner) {
        var names = new HashSet<String>();
        for (FieldModel field : ClassFile.of().parse(read(owner)).fields()) {
            if (field.flags().has(AccessFlag.VOLATILE)) names.add(field.fieldName().stringValue());
        }
        return names;
    }
}
