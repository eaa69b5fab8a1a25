package org.libtorque.thread;

import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Puts {@link Uthread#checkpoint} into the code of a class, so that no thread runs in it for ever without coming by one: before every branch back to what lies before it (loops),
 * and at the start of every method that calls others (recursion). Left alone are class initialisers, where a thread cannot leave its vcore; the start of constructors, where there is
 * no object yet; and methods that call nobody and have no loop, which end by themselves.
 *
 * <p>A checkpoint takes no operands and leaves none, so it can stand before any instruction.
 */
final class CheckpointWeaver {
    private static final ClassDesc UTHREAD = ClassDesc.of("org.libtorque.thread.Uthread");
    private static final MethodTypeDesc CHECKPOINT = MethodTypeDesc.of(ConstantDescs.CD_void);

    private final ClassFile classFile;
    private int woven;

    /** @param loader where the classes are found that the woven one names; null for the system's */
    CheckpointWeaver(ClassLoader loader) {
        ClassHierarchyResolver resolver = ClassHierarchyResolver.ofResourceParsing(loader == null ? ClassLoader.getSystemClassLoader() : loader)
                .orElse(ClassHierarchyResolver.defaultResolver());
        classFile = ClassFile.of(ClassFile.ClassHierarchyResolverOption.of(resolver));
    }

    /** Returns how many checkpoints the last {@link #weave} has put in. */
    int woven() { return woven; }

    /** Returns the class with checkpoints; null if it needs none. */
    byte[] weave(byte[] original) {
        woven = 0;
        byte[] result = classFile.transformClass(classFile.parse(original), (builder, element) -> {
            if (element instanceof MethodModel method && mayBeWoven(method)) builder.transformMethod(method, MethodTransform.transformingCode(new Body(hasEntry(method))));
            else builder.with(element);
        });
        return woven == 0 ? null : result;
    }

    private static boolean mayBeWoven(MethodModel method) { return method.code().isPresent() && !method.methodName().equalsString(ConstantDescs.CLASS_INIT_NAME); }

    private static boolean hasEntry(MethodModel method) {
        if (method.methodName().equalsString(ConstantDescs.INIT_NAME)) return false;
        for (CodeElement element : method.code().orElseThrow()) if (element instanceof InvokeInstruction || element instanceof InvokeDynamicInstruction) return true;
        return false;
    }

    /** One method's code. */
    private final class Body implements CodeTransform {
        /** What has been passed: a branch to it is a branch back. */
        private final Set<Label> passed = new HashSet<>();
        private boolean entry;

        Body(boolean entry) { this.entry = entry; }

        @Override public void accept(CodeBuilder builder, CodeElement element) {
            if (entry) {
                entry = false;
                checkpoint(builder);
            }
            if (element instanceof LabelTarget target) passed.add(target.label());
            else if (branchesBack(element)) checkpoint(builder);
            builder.with(element);
        }

        private boolean branchesBack(CodeElement element) {
            return switch (element) {
                case BranchInstruction branch -> passed.contains(branch.target());
                case LookupSwitchInstruction choice -> passed.contains(choice.defaultTarget()) || anyBack(choice.cases());
                case TableSwitchInstruction choice -> passed.contains(choice.defaultTarget()) || anyBack(choice.cases());
                default -> false;
            };
        }

        private boolean anyBack(List<SwitchCase> cases) {
            for (SwitchCase each : cases) if (passed.contains(each.target())) return true;
            return false;
        }

        private void checkpoint(CodeBuilder builder) {
            builder.invokestatic(UTHREAD, "checkpoint", CHECKPOINT);
            woven++;
        }
    }
}
