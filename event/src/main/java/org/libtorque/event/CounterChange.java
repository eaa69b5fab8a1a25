package org.libtorque.event;

import java.nio.file.Path;

/**
 * A counter of a control group that has changed, such as {@code oom_kill} in {@code memory.events}.
 *
 * @param file   where it stands
 * @param name   of the counter
 * @param before its value when it was told last, or when the registration began; 0 if there was none
 * @param now    its value
 */
public record CounterChange(Path file, String name, long before, long now) {
}
