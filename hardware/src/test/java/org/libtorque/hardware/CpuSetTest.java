package org.libtorque.hardware;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.libtorque.testkit.AllocationProbe;

class CpuSetTest {
    @ParameterizedTest @CsvSource(delimiter = '|', value = {
        "0|0", "0-3,8|0-3,8", "8,0-3|0-3,8", "3,3,2-4|2-4", "10-14:2/4|10-11,14", "0-3,8,10-14:2/4|0-3,8,10-11,14",
        "0-31:1/8|0,8,16,24", "5-5|5", "0-1023:2/256|0-1,256-257,512-513,768-769", "007|7", "65535|65535",
        "63-64|63-64", "0-9:4/4|0-9"
    })
    void listsAreReadAndWrittenInTheirShortestForm(String list, String shortest) {
        assertEquals(shortest, CpuSet.parseList(list).toString());
        assertEquals(CpuSet.parseList(shortest), CpuSet.parseList(list + "\n"));
    }

    @ParameterizedTest @CsvSource(delimiter = '|', ignoreLeadingAndTrailingWhitespace = false, value = {
        "1,,2|'': it is empty", ",1|'': it is empty", "1,|'': it is empty", "3-1|'3-1': the range falls",
        "1-|'1-': a number is missing", "-1|'-1': a number is missing", "0-3, 5|' 5': ' 5' is not a number",
        "0,+1|'+1': '+1' is not a number", "0x1|'0x1': '0x1' is not a number", "1-2-3|'1-2-3': '2-3' is not a number",
        "5:1/2|'5:1/2': only a range can have ':used/group'", "0-7:2|'0-7:2': ':used' needs '/group'",
        "0-7:0/2|'0-7:0/2': used must be 1 to group", "0-7:3/2|'0-7:3/2': used must be 1 to group",
        "0-7:/2|'0-7:/2': a number is missing", "0-7:1/|'0-7:1/': a number is missing",
        "0-7/2|'0-7/2': '7/2' is not a number",
        "0,65536|'65536': 65536 is above 65535", "99999999999|'99999999999': 99999999999 is above 65535",
        "0-7:1/0|'0-7:1/0': used must be 1 to group", "1:2-3/4|'1:2-3/4': '1:2' is not a number",
        "٣|'٣': '٣' is not a number"
    })
    void aBadListIsRefusedAndTheBadPartNamed(String list, String complaint) {
        var e = assertThrows(IllegalArgumentException.class, () -> CpuSet.parseList(list));
        assertEquals("CPU list '" + list + "': bad part " + complaint, e.getMessage());
    }

    @Test void twoNewlinesAreOneTooMany() {
        assertThrows(IllegalArgumentException.class, () -> CpuSet.parseList("1\n\n"));
    }

    @Test void anEmptyFileIsTheEmptySet() {
        assertTrue(CpuSet.parseList("").isEmpty());
        assertTrue(CpuSet.parseList("\n").isEmpty());
        assertEquals("", CpuSet.of().toString());
        assertEquals(-1, CpuSet.of().nextSetBit(0));
    }

    @ParameterizedTest @CsvSource(delimiter = '|', value = {
        "0|''", "1|0", "ff,ffffffff|0-39", "00000003|0-1", "F0|4-7", "80000000,00000000,00000001|0,95",
        "00000000,00000000|''"
    })
    void masksAreRead(String mask, String list) {
        assertEquals(list, CpuSet.parseMask(mask).toString());
        assertEquals(CpuSet.parseList(list), CpuSet.parseMask(mask + "\n"));
    }

    @ParameterizedTest @CsvSource(delimiter = '|', ignoreLeadingAndTrailingWhitespace = false, value = {
        "''|'': must have 1 to 8 digits", "1,|'': must have 8 digits", ",00000001|'': must have 1 to 8 digits",
        "1,2|'2': must have 8 digits", "123456789|'123456789': must have 1 to 8 digits", "0x3|'0x3': not hexadecimal",
        "fg|'fg': not hexadecimal", "-1|'-1': not hexadecimal", " 1|' 1': not hexadecimal", "٣|'٣': not hexadecimal"
    })
    void aBadMaskIsRefusedAndTheBadPartNamed(String mask, String complaint) {
        var e = assertThrows(IllegalArgumentException.class, () -> CpuSet.parseMask(mask));
        assertEquals("CPU mask '" + mask + "': bad part " + complaint, e.getMessage());
    }

    @Test void numbersOutOfRangeAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> CpuSet.of(-1));
        assertThrows(IllegalArgumentException.class, () -> CpuSet.of(CpuSet.LIMIT));
        assertThrows(IllegalArgumentException.class, () -> CpuSet.ofWords(new long[CpuSet.LIMIT / 64 + 1]));
        assertThrows(IllegalArgumentException.class, () -> CpuSet.of(1).nextSetBit(-1));
        String tooLong = "00000000,".repeat(CpuSet.LIMIT / 32) + "00000000";
        assertThrows(IllegalArgumentException.class, () -> CpuSet.parseMask(tooLong));
    }

    @Test void whatIsContainedIsWhatWasPutIn() {
        CpuSet set = CpuSet.of(70, 3, 3, 64);
        assertEquals(3, set.size());
        assertArrayEquals(new int[] {3, 64, 70}, set.toArray());
        assertTrue(set.contains(64));
        assertFalse(set.contains(6));
        assertFalse(set.contains(-1));
        assertFalse(set.contains(1_000_000));
        assertEquals(64, set.nextSetBit(4));
        assertEquals(70, set.nextSetBit(70));
        assertEquals(-1, set.nextSetBit(71));
        assertEquals(-1, set.nextSetBit(1_000_000));
        List<Integer> seen = new ArrayList<>();
        set.forEach(seen::add);
        assertEquals(List.of(3, 64, 70), seen);
    }

    @Test void equalSetsAreEqualWhateverTheyWereMadeFrom() {
        assertEquals(CpuSet.of(1, 2), CpuSet.ofWords(6, 0, 0));
        assertEquals(CpuSet.of(1, 2).hashCode(), CpuSet.of(1, 2, 100).minus(CpuSet.of(100)).hashCode());
        assertEquals(CpuSet.of(), CpuSet.of(5).and(CpuSet.of(6)));
        assertNotEquals(CpuSet.of(1), CpuSet.of(2));
    }

    @Test void arraysAreCopiedInBothDirections() {
        long[] words = {1};
        CpuSet set = CpuSet.ofWords(words);
        words[0] = 2;
        set.words()[0] = 4;
        assertEquals(CpuSet.of(0), set);
    }

    @Test void iteratingAllocatesNothing() {
        CpuSet set = CpuSet.parseList("0-3,64-70,1000");
        int[] sum = new int[1];
        AllocationProbe.assertAllocatesNothing(20_000, 1_000, () -> {
            for (int cpu = set.nextSetBit(0); cpu >= 0; cpu = set.nextSetBit(cpu + 1)) sum[0] += cpu;
        });
        assertTrue(sum[0] != 0);
    }
}
