package org.libtorque.bench;

/**
 * One server in one round, asked for small answers, alone or next to cold files.
 *
 * @param files    what was measured of the requests for files; null if there were none
 * @param small    the same of those for small answers
 * @param fromDisk bytes that the server has had read from disks meanwhile, per byte of the files that it was asked for in the whole run, warm-up included; NaN without files
 */
record ColdMeasurement(String peer, int round, SkewMeasurement.Group files, SkewMeasurement.Group small, double fromDisk, CpuUse use) implements InRound {
    @Override public double othersBusy() { return use.othersBusy(); }

    boolean hasFiles() { return files != null; }

    long errors() { return small.errors() + (files == null ? 0 : files.errors()); }
}
