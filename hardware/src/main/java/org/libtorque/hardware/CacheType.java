package org.libtorque.hardware;

/** What a cache or a translation buffer holds. The order is that of reports: code, data, both. */
public enum CacheType {
    /** Code alone. */
    INSTRUCTION("instruction", "code"),
    /** Data alone. */
    DATA("data", "data"),
    /** Code and data. */
    UNIFIED("unified", "unified");

    private final String label;
    private final String shortLabel;

    CacheType(String label, String shortLabel) {
        this.label = label;
        this.shortLabel = shortLabel;
    }

    /** Returns the name that the JSON form uses: {@code instruction}, {@code data} or {@code unified}. */
    public String label() { return label; }

    /** Returns the name that the text report uses: {@code code}, {@code data} or {@code unified}. */
    public String shortLabel() { return shortLabel; }
}
