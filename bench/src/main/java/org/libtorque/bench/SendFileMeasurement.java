package org.libtorque.bench;

/**
 * One server, one size, files in memory or on disk, once.
 *
 * @param cold          whether the files were on disk
 * @param cpuMicros     user and system time of the server's process for each file
 * @param filesPerSecond what the clients got
 * @param longestMicros on disk: the longest turn of the loop, in a pass of its own; NaN otherwise
 * @param sleeps        on disk: how often the loop's thread slept in that pass, though it had always something to do, for each file; NaN otherwise
 */
record SendFileMeasurement(SendFileServer server, SendFileCase size, boolean cold, int round, double cpuMicros, double filesPerSecond, double longestMicros, double sleeps) {}
