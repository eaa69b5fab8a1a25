package org.libtorque.event;

import java.time.Duration;

/**
 * What has happened to the clocks since the last time that was told, or since the registration; measured, so good to about a microsecond.
 *
 * @param wallClockSetBy by how much somebody has set the wall clock, forward or back (negative)
 * @param suspendedFor   how long the machine was suspended
 */
public record ClockChange(Duration wallClockSetBy, Duration suspendedFor) {}
