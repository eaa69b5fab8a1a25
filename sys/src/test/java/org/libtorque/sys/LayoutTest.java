package org.libtorque.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.StructLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Sizes and offsets against numbers that a C compiler gave for the kernel's and glibc's headers of both architectures,
 * and, for what is newer than those headers (6.1), that were worked out by hand from linux/io_uring.h of 6.18.
 */
class LayoutTest {
    /** Structs that are the same on x86-64 and AArch64: name, size, then each member and its offset. */
    private static final String BOTH = """
            __kernel_timespec 16: tv_sec 0, tv_nsec 8
            cachestat 40: nr_cache 0, nr_dirty 8, nr_writeback 16, nr_evicted 24, nr_recently_evicted 32
            cachestat_range 16: off 0, len 8
            cmsghdr 16: cmsg_len 0, cmsg_level 8, cmsg_type 12
            ifaddrmsg 8: ifa_family 0, ifa_prefixlen 1, ifa_flags 2, ifa_scope 3, ifa_index 4
            ifinfomsg 16: ifi_family 0, __ifi_pad 1, ifi_type 2, ifi_index 4, ifi_flags 8, ifi_change 12
            inotify_event 16: wd 0, mask 4, cookie 8, len 12
            io_cqring_offsets 40: head 0, tail 4, ring_mask 8, ring_entries 12, overflow 16, cqes 20, flags 24, \
                resv1 28, user_addr 32
            io_sqring_offsets 40: head 0, tail 4, ring_mask 8, ring_entries 12, flags 16, dropped 20, array 24, \
                resv1 28, user_addr 32
            io_uring_buf 16: addr 0, len 8, bid 12, resv 14
            io_uring_buf_reg 40: ring_addr 0, ring_entries 8, bgid 12, flags 14, resv 16
            io_uring_buf_status 40: buf_group 0, head 4, resv 8
            io_uring_clock_register 16: clockid 0, __resv 4
            io_uring_clone_buffers 32: src_fd 0, flags 4, src_off 8, dst_off 12, nr 16, pad 20
            io_uring_cqe 16: user_data 0, res 8, flags 12
            io_uring_file_index_range 16: off 0, len 4, resv 8
            io_uring_files_update 16: offset 0, resv 4, fds 8
            io_uring_getevents_arg 24: sigmask 0, sigmask_sz 8, min_wait_usec 12, ts 16
            io_uring_mem_region_reg 32: region_uptr 0, flags 8, __resv 16
            io_uring_napi 16: busy_poll_to 0, prefer_busy_poll 4, opcode 5, pad 6, op_param 8, resv 12
            io_uring_params 120: sq_entries 0, cq_entries 4, flags 8, sq_thread_cpu 12, sq_thread_idle 16, \
                features 20, wq_fd 24, resv 28, sq_off 40, cq_off 80
            io_uring_probe 16: last_op 0, ops_len 1, resv 2, resv2 4
            io_uring_probe_op 8: op 0, resv 1, flags 2, resv2 4
            io_uring_recvmsg_out 16: namelen 0, controllen 4, payloadlen 8, flags 12
            io_uring_reg_wait 64: ts 0, min_wait_usec 16, flags 20, sigmask 24, sigmask_sz 32, pad 36, pad2 48
            io_uring_region_desc 64: user_addr 0, size 8, flags 16, id 20, mmap_offset 24, __resv 32
            io_uring_restriction 16: opcode 0, register_op 2, resv 3, resv2 4
            io_uring_rsrc_register 32: nr 0, flags 4, resv2 8, data 16, tags 24
            io_uring_rsrc_update 16: offset 0, resv 4, data 8
            io_uring_rsrc_update2 32: offset 0, resv 4, data 8, tags 16, nr 24, resv2 28
            io_uring_sqe 64: opcode 0, flags 1, ioprio 2, fd 4, off 8, addr 16, len 24, op_flags 28, user_data 32, \
                buf_index 40, personality 42, file_index 44, addr3 48, __pad2 56
            io_uring_sync_cancel_reg 64: addr 0, fd 8, flags 12, timeout 16, opcode 32, pad 33, pad2 40
            iovec 16: iov_base 0, iov_len 8
            itimerspec 32: it_interval 0, it_value 16
            linger 8: l_onoff 0, l_linger 4
            linux_dirent64 24: d_ino 0, d_off 8, d_reclen 16, d_type 18, d_name 19
            mmsghdr 64: msg_hdr 0, msg_len 56
            msghdr 56: msg_name 0, msg_namelen 8, msg_iov 16, msg_iovlen 24, msg_control 32, msg_controllen 40, \
                msg_flags 48
            ndmsg 12: ndm_family 0, ndm_pad1 1, ndm_pad2 2, ndm_ifindex 4, ndm_state 8, ndm_flags 10, ndm_type 11
            nlmsghdr 16: nlmsg_len 0, nlmsg_type 4, nlmsg_flags 6, nlmsg_seq 8, nlmsg_pid 12
            open_how 24: flags 0, mode 8, resolve 16
            pidfd_info 64: mask 0, cgroupid 8, pid 16, tgid 20, ppid 24, ruid 28, rgid 32, euid 36, egid 40, suid 44, \
                sgid 48, fsuid 52, fsgid 56, exit_code 60
            pollfd 8: fd 0, events 4, revents 6
            rlimit 16: rlim_cur 0, rlim_max 8
            rtattr 4: rta_len 0, rta_type 2
            rtmsg 12: rtm_family 0, rtm_dst_len 1, rtm_src_len 2, rtm_tos 3, rtm_table 4, rtm_protocol 5, rtm_scope 6, \
                rtm_type 7, rtm_flags 8
            rtnexthop 8: rtnh_len 0, rtnh_flags 2, rtnh_hops 3, rtnh_ifindex 4
            siginfo_t 128: si_signo 0, si_errno 4, si_code 8, __pad0 12, si_pid 16, si_uid 20, si_status 24, __pad 28
            signalfd_siginfo 128: ssi_signo 0, ssi_errno 4, ssi_code 8, ssi_pid 12, ssi_uid 16, ssi_fd 20, ssi_tid 24, \
                ssi_band 28, ssi_overrun 32, ssi_trapno 36, ssi_status 40, ssi_int 44, ssi_ptr 48, ssi_utime 56, \
                ssi_stime 64, ssi_addr 72, ssi_addr_lsb 80, __pad2 82, ssi_syscall 84, ssi_call_addr 88, ssi_arch 96, \
                __pad 100
            sockaddr_in 16: sin_family 0, sin_port 2, sin_addr 4, sin_zero 8
            sockaddr_in6 28: sin6_family 0, sin6_port 2, sin6_flowinfo 4, sin6_addr 8, sin6_scope_id 24
            sockaddr_nl 12: nl_family 0, nl_pad 2, nl_pid 4, nl_groups 8
            sockaddr_un 110: sun_family 0, sun_path 2
            statx 256: stx_mask 0, stx_blksize 4, stx_attributes 8, stx_nlink 16, stx_uid 20, stx_gid 24, stx_mode 28, \
                __spare0 30, stx_ino 32, stx_size 40, stx_blocks 48, stx_attributes_mask 56, stx_atime 64, \
                stx_btime 80, stx_ctime 96, stx_mtime 112, stx_rdev_major 128, stx_rdev_minor 132, stx_dev_major 136, \
                stx_dev_minor 140, stx_mnt_id 144, stx_dio_mem_align 152, stx_dio_offset_align 156, __spare3 160
            statx_timestamp 16: tv_sec 0, tv_nsec 8, __reserved 12
            tcp_info 232: tcpi_state 0, tcpi_ca_state 1, tcpi_retransmits 2, tcpi_probes 3, tcpi_backoff 4, \
                tcpi_options 5, tcpi_wscale 6, tcpi_bits 7, tcpi_rto 8, tcpi_ato 12, tcpi_snd_mss 16, tcpi_rcv_mss 20, \
                tcpi_unacked 24, tcpi_sacked 28, tcpi_lost 32, tcpi_retrans 36, tcpi_fackets 40, \
                tcpi_last_data_sent 44, tcpi_last_ack_sent 48, tcpi_last_data_recv 52, tcpi_last_ack_recv 56, \
                tcpi_pmtu 60, tcpi_rcv_ssthresh 64, tcpi_rtt 68, tcpi_rttvar 72, tcpi_snd_ssthresh 76, \
                tcpi_snd_cwnd 80, tcpi_advmss 84, tcpi_reordering 88, tcpi_rcv_rtt 92, tcpi_rcv_space 96, \
                tcpi_total_retrans 100, tcpi_pacing_rate 104, tcpi_max_pacing_rate 112, tcpi_bytes_acked 120, \
                tcpi_bytes_received 128, tcpi_segs_out 136, tcpi_segs_in 140, tcpi_notsent_bytes 144, \
                tcpi_min_rtt 148, tcpi_data_segs_in 152, tcpi_data_segs_out 156, tcpi_delivery_rate 160, \
                tcpi_busy_time 168, tcpi_rwnd_limited 176, tcpi_sndbuf_limited 184, tcpi_delivered 192, \
                tcpi_delivered_ce 196, tcpi_bytes_sent 200, tcpi_bytes_retrans 208, tcpi_dsack_dups 216, \
                tcpi_reord_seen 220, tcpi_rcv_ooopack 224, tcpi_snd_wnd 228
            timespec 16: tv_sec 0, tv_nsec 8
            timeval 16: tv_sec 0, tv_usec 8
            ucred 12: pid 0, uid 4, gid 8
            """;

    private static final String EPOLL_EVENT_X86_64 = "epoll_event 12: events 0, data 4";
    private static final String EPOLL_EVENT_AARCH64 = "epoll_event 16: events 0, data 8";

    @Test
    void structsHaveTheSizesAndOffsetsOfTheKernel() {
        var expected = new TreeMap<String, String>();
        for (String line : BOTH.lines().map(line -> line.replaceAll(" +", " ")).toList()) {
            expected.put(line.substring(0, line.indexOf(' ')), line);
        }
        var actual = new TreeMap<String, String>();
        for (StructLayout layout : KernelStructs.structs().values()) {
            actual.put(layout.name().orElseThrow(), KernelStructs.describe(layout));
        }
        String event = actual.remove("epoll_event");
        assertEquals(Abi.X86_64 ? EPOLL_EVENT_X86_64 : EPOLL_EVENT_AARCH64, event);
        assertEquals(String.join("\n", expected.values()), String.join("\n", actual.values()));
    }

    @Test
    void theEpollEventIsPackedOnX8664Only() {
        assertEquals(EPOLL_EVENT_X86_64, KernelStructs.describe(Epoll.Event.layout(Abi.Architecture.X86_64)));
        assertEquals(EPOLL_EVENT_AARCH64, KernelStructs.describe(Epoll.Event.layout(Abi.Architecture.AARCH64)));
    }

    @Test
    void flagsThatArmKeptFromIts32BitTimesDiffer() {
        var x86 = Abi.Architecture.X86_64;
        var arm = Abi.Architecture.AARCH64;
        assertEquals(List.of(040000, 0100000, 0200000, 0400000, 020200000), List.of(Files.oDirect(x86),
                Files.oLargefile(x86), Files.oDirectory(x86), Files.oNofollow(x86), Files.oTmpfile(x86)));
        assertEquals(List.of(0200000, 0400000, 040000, 0100000, 020040000), List.of(Files.oDirect(arm),
                Files.oLargefile(arm), Files.oDirectory(arm), Files.oNofollow(arm), Files.oTmpfile(arm)));
    }

    @Test
    void constantsOfAStructAreTheOffsetsOfItsMembers() {
        // Where a constant is not a member: room for names and arrays behind the header, and other names for a member.
        Set<String> derived = Set.of("Event.NAME", "Event.MAX_SIZE", "Probe.OPS", "Buf.RING_TAIL", "RegionDesc.LENGTH",
                "SockaddrUn.MAX_PATH");
        var wrong = new ArrayList<String>();
        for (Map.Entry<Class<?>, StructLayout> entry : KernelStructs.structs().entrySet()) {
            StructLayout layout = entry.getValue();
            KernelStructs.constants(entry.getKey()).forEach((name, value) -> {
                String constant = entry.getKey().getSimpleName() + "." + name;
                if (derived.contains(constant)) return;
                long expected = name.equals("SIZE")
                        ? layout.byteSize() : Layouts.offset(layout, name.toLowerCase(Locale.ROOT));
                if (expected != value) wrong.add(constant + " = " + value + ", not " + expected);
            });
        }
        assertEquals(List.of(), wrong);
        assertEquals(14, IoUring.Buf.RING_TAIL);
        assertEquals(8, IoUring.RegionDesc.LENGTH);
        assertEquals(IoUring.Probe.SIZE, IoUring.Probe.OPS);
        assertEquals(Inotify.Event.SIZE, Inotify.Event.NAME);
        assertEquals(108, SocketAddresses.SockaddrUn.MAX_PATH);
    }

    @Test
    void layoutsArePaddedAsCDoes() {
        StructLayout layout = Layouts.struct("s", Layouts.u8("a"), Layouts.u32("b"), Layouts.u16("c"), Layouts.u64("d"),
                Layouts.bytes("e", 3));
        assertEquals("s 32: a 0, b 4, c 8, d 16, e 24", KernelStructs.describe(layout));
        assertEquals(8, layout.byteAlignment());
    }

    @Test
    void systemCallsHaveTheNumbersOfBothArchitectures() {
        // arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h
        String expected = """
                CACHESTAT 451 451
                CLOSE_RANGE 436 436
                EPOLL_PWAIT2 441 441
                FADVISE64 221 223
                GETCPU 309 168
                GETDENTS64 217 61
                GETTID 186 178
                IO_URING_ENTER 426 426
                IO_URING_REGISTER 427 427
                IO_URING_SETUP 425 425
                OPENAT2 437 437
                PIDFD_GETFD 438 438
                PIDFD_OPEN 434 434
                PIDFD_SEND_SIGNAL 424 424
                PRCTL 157 167
                RT_SIGPROCMASK 14 135
                SCHED_GETAFFINITY 204 123
                SCHED_GETATTR 315 275
                SCHED_SETAFFINITY 203 122
                SCHED_SETATTR 314 274
                SCHED_YIELD 24 124
                TGKILL 234 131
                """;
        var actual = new TreeSet<String>();
        for (Abi.Syscall call : Abi.Syscall.values()) {
            int x86 = call.number(Abi.Architecture.X86_64);
            actual.add(call + " " + x86 + " " + call.number(Abi.Architecture.AARCH64) + "\n");
        }
        assertEquals(expected, String.join("", actual));
    }

    @Test
    void systemsThatAreNotSupportedAreNamed() {
        assertEquals(Abi.Architecture.X86_64, Abi.detect("Linux", "amd64"));
        assertEquals(Abi.Architecture.X86_64, Abi.detect("Linux", "x86_64"));
        assertEquals(Abi.Architecture.AARCH64, Abi.detect("Linux", "aarch64"));
        assertEquals("libtorque needs Linux on x86-64 or AArch64; this is Linux on riscv64",
                assertThrows(UnsupportedOperationException.class, () -> Abi.detect("Linux", "riscv64")).getMessage());
        assertEquals("libtorque needs Linux on x86-64 or AArch64; this is Mac OS X on aarch64",
                assertThrows(UnsupportedOperationException.class, () -> Abi.detect("Mac OS X", "aarch64")).getMessage());
        assertTrue(Abi.X86_64 ^ Abi.AARCH64);
    }
}
