package org.libtorque.sys;

import java.lang.foreign.StructLayout;

/**
 * io_uring(7): the three system calls, and the constants and structs of linux/io_uring.h as of Linux 6.18. Rings are
 * mapped and driven by the layer above.
 *
 * <p>Where a constant needs a kernel newer than 6.1, its comment says which.
 */
public final class IoUring {
    // Operations: Sqe.OPCODE.
    public static final int IORING_OP_NOP = 0;
    public static final int IORING_OP_READV = 1;
    public static final int IORING_OP_WRITEV = 2;
    public static final int IORING_OP_FSYNC = 3;
    public static final int IORING_OP_READ_FIXED = 4;
    public static final int IORING_OP_WRITE_FIXED = 5;
    public static final int IORING_OP_POLL_ADD = 6;
    public static final int IORING_OP_POLL_REMOVE = 7;
    public static final int IORING_OP_SYNC_FILE_RANGE = 8;
    public static final int IORING_OP_SENDMSG = 9;
    public static final int IORING_OP_RECVMSG = 10;
    public static final int IORING_OP_TIMEOUT = 11;
    public static final int IORING_OP_TIMEOUT_REMOVE = 12;
    public static final int IORING_OP_ACCEPT = 13;
    public static final int IORING_OP_ASYNC_CANCEL = 14;
    public static final int IORING_OP_LINK_TIMEOUT = 15;
    public static final int IORING_OP_CONNECT = 16;
    public static final int IORING_OP_FALLOCATE = 17;
    public static final int IORING_OP_OPENAT = 18;
    public static final int IORING_OP_CLOSE = 19;
    public static final int IORING_OP_FILES_UPDATE = 20;
    public static final int IORING_OP_STATX = 21;
    public static final int IORING_OP_READ = 22;
    public static final int IORING_OP_WRITE = 23;
    public static final int IORING_OP_FADVISE = 24;
    public static final int IORING_OP_MADVISE = 25;
    public static final int IORING_OP_SEND = 26;
    public static final int IORING_OP_RECV = 27;
    public static final int IORING_OP_OPENAT2 = 28;
    public static final int IORING_OP_EPOLL_CTL = 29;
    public static final int IORING_OP_SPLICE = 30;
    public static final int IORING_OP_PROVIDE_BUFFERS = 31;
    public static final int IORING_OP_REMOVE_BUFFERS = 32;
    public static final int IORING_OP_TEE = 33;
    public static final int IORING_OP_SHUTDOWN = 34;
    public static final int IORING_OP_RENAMEAT = 35;
    public static final int IORING_OP_UNLINKAT = 36;
    public static final int IORING_OP_MKDIRAT = 37;
    public static final int IORING_OP_SYMLINKAT = 38;
    public static final int IORING_OP_LINKAT = 39;
    public static final int IORING_OP_MSG_RING = 40;
    public static final int IORING_OP_FSETXATTR = 41;
    public static final int IORING_OP_SETXATTR = 42;
    public static final int IORING_OP_FGETXATTR = 43;
    public static final int IORING_OP_GETXATTR = 44;
    public static final int IORING_OP_SOCKET = 45;
    public static final int IORING_OP_URING_CMD = 46;
    public static final int IORING_OP_SEND_ZC = 47;
    public static final int IORING_OP_SENDMSG_ZC = 48;
    /** Linux 6.7. */
    public static final int IORING_OP_READ_MULTISHOT = 49;
    /** Linux 6.7. */
    public static final int IORING_OP_WAITID = 50;
    /** Linux 6.7. */
    public static final int IORING_OP_FUTEX_WAIT = 51;
    /** Linux 6.7. */
    public static final int IORING_OP_FUTEX_WAKE = 52;
    /** Linux 6.7. */
    public static final int IORING_OP_FUTEX_WAITV = 53;
    /** Linux 6.8. */
    public static final int IORING_OP_FIXED_FD_INSTALL = 54;
    /** Linux 6.9. */
    public static final int IORING_OP_FTRUNCATE = 55;
    /** Linux 6.11. */
    public static final int IORING_OP_BIND = 56;
    /** Linux 6.11. */
    public static final int IORING_OP_LISTEN = 57;
    /** Linux 6.15. */
    public static final int IORING_OP_RECV_ZC = 58;
    /** Linux 6.15. */
    public static final int IORING_OP_EPOLL_WAIT = 59;
    /** Linux 6.15. */
    public static final int IORING_OP_READV_FIXED = 60;
    /** Linux 6.15. */
    public static final int IORING_OP_WRITEV_FIXED = 61;
    /** Linux 6.16. */
    public static final int IORING_OP_PIPE = 62;

    // Sqe.FLAGS.
    public static final int IOSQE_FIXED_FILE = 1 << 0;
    public static final int IOSQE_IO_DRAIN = 1 << 1;
    public static final int IOSQE_IO_LINK = 1 << 2;
    public static final int IOSQE_IO_HARDLINK = 1 << 3;
    public static final int IOSQE_ASYNC = 1 << 4;
    public static final int IOSQE_BUFFER_SELECT = 1 << 5;
    public static final int IOSQE_CQE_SKIP_SUCCESS = 1 << 6;

    // Flags of setup.
    public static final int IORING_SETUP_IOPOLL = 1 << 0;
    public static final int IORING_SETUP_SQPOLL = 1 << 1;
    public static final int IORING_SETUP_SQ_AFF = 1 << 2;
    public static final int IORING_SETUP_CQSIZE = 1 << 3;
    public static final int IORING_SETUP_CLAMP = 1 << 4;
    public static final int IORING_SETUP_ATTACH_WQ = 1 << 5;
    public static final int IORING_SETUP_R_DISABLED = 1 << 6;
    public static final int IORING_SETUP_SUBMIT_ALL = 1 << 7;
    public static final int IORING_SETUP_COOP_TASKRUN = 1 << 8;
    public static final int IORING_SETUP_TASKRUN_FLAG = 1 << 9;
    public static final int IORING_SETUP_SQE128 = 1 << 10;
    public static final int IORING_SETUP_CQE32 = 1 << 11;
    public static final int IORING_SETUP_SINGLE_ISSUER = 1 << 12;
    public static final int IORING_SETUP_DEFER_TASKRUN = 1 << 13;
    /** Linux 6.5. */
    public static final int IORING_SETUP_NO_MMAP = 1 << 14;
    /** Linux 6.5. */
    public static final int IORING_SETUP_REGISTERED_FD_ONLY = 1 << 15;
    /** Linux 6.6. */
    public static final int IORING_SETUP_NO_SQARRAY = 1 << 16;
    /** Linux 6.13. */
    public static final int IORING_SETUP_HYBRID_IOPOLL = 1 << 17;
    /** Linux 6.18. */
    public static final int IORING_SETUP_CQE_MIXED = 1 << 18;

    // Params.FEATURES.
    public static final int IORING_FEAT_SINGLE_MMAP = 1 << 0;
    public static final int IORING_FEAT_NODROP = 1 << 1;
    public static final int IORING_FEAT_SUBMIT_STABLE = 1 << 2;
    public static final int IORING_FEAT_RW_CUR_POS = 1 << 3;
    public static final int IORING_FEAT_CUR_PERSONALITY = 1 << 4;
    public static final int IORING_FEAT_FAST_POLL = 1 << 5;
    public static final int IORING_FEAT_POLL_32BITS = 1 << 6;
    public static final int IORING_FEAT_SQPOLL_NONFIXED = 1 << 7;
    public static final int IORING_FEAT_EXT_ARG = 1 << 8;
    public static final int IORING_FEAT_NATIVE_WORKERS = 1 << 9;
    public static final int IORING_FEAT_RSRC_TAGS = 1 << 10;
    public static final int IORING_FEAT_CQE_SKIP = 1 << 11;
    public static final int IORING_FEAT_LINKED_FILE = 1 << 12;
    /** Linux 6.3. */
    public static final int IORING_FEAT_REG_REG_RING = 1 << 13;
    /** Linux 6.10. */
    public static final int IORING_FEAT_RECVSEND_BUNDLE = 1 << 14;
    /** Linux 6.12. */
    public static final int IORING_FEAT_MIN_TIMEOUT = 1 << 15;
    /** Linux 6.14. */
    public static final int IORING_FEAT_RW_ATTR = 1 << 16;
    /** Linux 6.15. */
    public static final int IORING_FEAT_NO_IOWAIT = 1 << 17;

    // Flags of enter.
    public static final int IORING_ENTER_GETEVENTS = 1 << 0;
    public static final int IORING_ENTER_SQ_WAKEUP = 1 << 1;
    public static final int IORING_ENTER_SQ_WAIT = 1 << 2;
    public static final int IORING_ENTER_EXT_ARG = 1 << 3;
    /** The ring is given by its index among the registered ones of this thread. */
    public static final int IORING_ENTER_REGISTERED_RING = 1 << 4;
    /** The timeout is a point of time. Linux 6.12. */
    public static final int IORING_ENTER_ABS_TIMER = 1 << 5;
    /** The argument is an offset into a registered region. Linux 6.13. */
    public static final int IORING_ENTER_EXT_ARG_REG = 1 << 6;
    /** Linux 6.15. */
    public static final int IORING_ENTER_NO_IOWAIT = 1 << 7;

    // Cqe.FLAGS. The upper 16 bits hold the buffer, IORING_CQE_BUFFER_SHIFT up.
    public static final int IORING_CQE_F_BUFFER = 1 << 0;
    public static final int IORING_CQE_F_MORE = 1 << 1;
    public static final int IORING_CQE_F_SOCK_NONEMPTY = 1 << 2;
    public static final int IORING_CQE_F_NOTIF = 1 << 3;
    /** The buffer was consumed in part and will be used again. Linux 6.12. */
    public static final int IORING_CQE_F_BUF_MORE = 1 << 4;
    /** A filler to be ignored. Linux 6.18. */
    public static final int IORING_CQE_F_SKIP = 1 << 5;
    /** This entry has 32 bytes. Linux 6.18. */
    public static final int IORING_CQE_F_32 = 1 << 15;
    public static final int IORING_CQE_BUFFER_SHIFT = 16;

    // Flags in the submission ring, at SqOffsets.FLAGS.
    public static final int IORING_SQ_NEED_WAKEUP = 1 << 0;
    public static final int IORING_SQ_CQ_OVERFLOW = 1 << 1;
    public static final int IORING_SQ_TASKRUN = 1 << 2;

    // Flags in the completion ring, at CqOffsets.FLAGS.
    public static final int IORING_CQ_EVENTFD_DISABLED = 1 << 0;

    // Offsets for mmap.
    public static final long IORING_OFF_SQ_RING = 0;
    public static final long IORING_OFF_CQ_RING = 0x8000000L;
    public static final long IORING_OFF_SQES = 0x10000000L;
    /** A buffer ring that the kernel allocated: or this with the group, shifted by IORING_OFF_PBUF_SHIFT. Linux 6.4. */
    public static final long IORING_OFF_PBUF_RING = 0x80000000L;
    public static final int IORING_OFF_PBUF_SHIFT = 16;

    // IORING_OP_FSYNC: Sqe.OP_FLAGS.
    public static final int IORING_FSYNC_DATASYNC = 1 << 0;

    // IORING_OP_TIMEOUT, _TIMEOUT_REMOVE, _LINK_TIMEOUT: Sqe.OP_FLAGS.
    public static final int IORING_TIMEOUT_ABS = 1 << 0;
    public static final int IORING_TIMEOUT_UPDATE = 1 << 1;
    public static final int IORING_TIMEOUT_BOOTTIME = 1 << 2;
    public static final int IORING_TIMEOUT_REALTIME = 1 << 3;
    public static final int IORING_LINK_TIMEOUT_UPDATE = 1 << 4;
    public static final int IORING_TIMEOUT_ETIME_SUCCESS = 1 << 5;
    /** Linux 6.4. */
    public static final int IORING_TIMEOUT_MULTISHOT = 1 << 6;

    // IORING_OP_SPLICE, _TEE: Sqe.OP_FLAGS, beside SPLICE_F_* of Files.
    public static final int SPLICE_F_FD_IN_FIXED = 1 << 31;

    // IORING_OP_POLL_ADD, _POLL_REMOVE: Sqe.LEN. The events are in Sqe.OP_FLAGS.
    public static final int IORING_POLL_ADD_MULTI = 1 << 0;
    public static final int IORING_POLL_UPDATE_EVENTS = 1 << 1;
    public static final int IORING_POLL_UPDATE_USER_DATA = 1 << 2;
    public static final int IORING_POLL_ADD_LEVEL = 1 << 3;

    // IORING_OP_ASYNC_CANCEL: Sqe.OP_FLAGS.
    public static final int IORING_ASYNC_CANCEL_ALL = 1 << 0;
    public static final int IORING_ASYNC_CANCEL_FD = 1 << 1;
    public static final int IORING_ASYNC_CANCEL_ANY = 1 << 2;
    public static final int IORING_ASYNC_CANCEL_FD_FIXED = 1 << 3;
    /** Linux 6.6. */
    public static final int IORING_ASYNC_CANCEL_USERDATA = 1 << 4;
    /** Linux 6.6. */
    public static final int IORING_ASYNC_CANCEL_OP = 1 << 5;

    // Sends and receives: Sqe.IOPRIO. MSG_* of Sockets go into Sqe.OP_FLAGS.
    public static final int IORING_RECVSEND_POLL_FIRST = 1 << 0;
    public static final int IORING_RECV_MULTISHOT = 1 << 1;
    public static final int IORING_RECVSEND_FIXED_BUF = 1 << 2;
    /** Linux 6.2. */
    public static final int IORING_SEND_ZC_REPORT_USAGE = 1 << 3;
    /** Linux 6.10. */
    public static final int IORING_RECVSEND_BUNDLE = 1 << 4;
    /** Linux 6.17. */
    public static final int IORING_SEND_VECTORIZED = 1 << 5;
    /** Bit of Cqe.RES of a notification, if IORING_SEND_ZC_REPORT_USAGE was set: data was copied. */
    public static final int IORING_NOTIF_USAGE_ZC_COPIED = 1 << 31;

    // IORING_OP_ACCEPT: Sqe.IOPRIO. SOCK_* of Sockets go into Sqe.OP_FLAGS.
    public static final int IORING_ACCEPT_MULTISHOT = 1 << 0;
    /** Linux 6.10. */
    public static final int IORING_ACCEPT_DONTWAIT = 1 << 1;
    /** Linux 6.10. */
    public static final int IORING_ACCEPT_POLL_FIRST = 1 << 2;

    // IORING_OP_MSG_RING: commands in Sqe.ADDR, flags in Sqe.OP_FLAGS.
    /** Posts Sqe.OFF as user data and Sqe.LEN as result. */
    public static final int IORING_MSG_DATA = 0;
    /** Sends a registered file. */
    public static final int IORING_MSG_SEND_FD = 1;
    public static final int IORING_MSG_RING_CQE_SKIP = 1 << 0;
    /** Sqe.FILE_INDEX becomes the flags of the completion. Linux 6.3. */
    public static final int IORING_MSG_RING_FLAGS_PASS = 1 << 1;

    // IORING_OP_NOP: Sqe.OP_FLAGS.
    /** The result is Sqe.LEN. Linux 6.10. */
    public static final int IORING_NOP_INJECT_RESULT = 1 << 0;
    /** Linux 6.13. */
    public static final int IORING_NOP_FILE = 1 << 1;
    /** Linux 6.13. */
    public static final int IORING_NOP_FIXED_FILE = 1 << 2;
    /** Linux 6.13. */
    public static final int IORING_NOP_FIXED_BUFFER = 1 << 3;
    /** Linux 6.16. */
    public static final int IORING_NOP_TW = 1 << 4;

    // IORING_OP_FIXED_FD_INSTALL: Sqe.OP_FLAGS.
    public static final int IORING_FIXED_FD_NO_CLOEXEC = 1 << 0;

    // IORING_OP_URING_CMD: Sqe.OP_FLAGS.
    public static final int IORING_URING_CMD_FIXED = 1 << 0;
    /** Linux 6.18. */
    public static final int IORING_URING_CMD_MULTISHOT = 1 << 1;

    // IORING_OP_URING_CMD on a socket: the lower half of Sqe.OFF. Linux 6.7.
    public static final int SOCKET_URING_OP_SIOCINQ = 0;
    public static final int SOCKET_URING_OP_SIOCOUTQ = 1;
    public static final int SOCKET_URING_OP_GETSOCKOPT = 2;
    public static final int SOCKET_URING_OP_SETSOCKOPT = 3;
    /** Linux 6.17. */
    public static final int SOCKET_URING_OP_TX_TIMESTAMP = 4;

    /** Sqe.FILE_INDEX: the kernel picks a free slot of the registered files. */
    public static final int IORING_FILE_INDEX_ALLOC = -1;

    // Operations of register.
    public static final int IORING_REGISTER_BUFFERS = 0;
    public static final int IORING_UNREGISTER_BUFFERS = 1;
    public static final int IORING_REGISTER_FILES = 2;
    public static final int IORING_UNREGISTER_FILES = 3;
    public static final int IORING_REGISTER_EVENTFD = 4;
    public static final int IORING_UNREGISTER_EVENTFD = 5;
    public static final int IORING_REGISTER_FILES_UPDATE = 6;
    public static final int IORING_REGISTER_EVENTFD_ASYNC = 7;
    public static final int IORING_REGISTER_PROBE = 8;
    public static final int IORING_REGISTER_PERSONALITY = 9;
    public static final int IORING_UNREGISTER_PERSONALITY = 10;
    public static final int IORING_REGISTER_RESTRICTIONS = 11;
    public static final int IORING_REGISTER_ENABLE_RINGS = 12;
    public static final int IORING_REGISTER_FILES2 = 13;
    public static final int IORING_REGISTER_FILES_UPDATE2 = 14;
    public static final int IORING_REGISTER_BUFFERS2 = 15;
    public static final int IORING_REGISTER_BUFFERS_UPDATE = 16;
    public static final int IORING_REGISTER_IOWQ_AFF = 17;
    public static final int IORING_UNREGISTER_IOWQ_AFF = 18;
    public static final int IORING_REGISTER_IOWQ_MAX_WORKERS = 19;
    public static final int IORING_REGISTER_RING_FDS = 20;
    public static final int IORING_UNREGISTER_RING_FDS = 21;
    public static final int IORING_REGISTER_PBUF_RING = 22;
    public static final int IORING_UNREGISTER_PBUF_RING = 23;
    public static final int IORING_REGISTER_SYNC_CANCEL = 24;
    public static final int IORING_REGISTER_FILE_ALLOC_RANGE = 25;
    /** Linux 6.8. */
    public static final int IORING_REGISTER_PBUF_STATUS = 26;
    /** Linux 6.9. */
    public static final int IORING_REGISTER_NAPI = 27;
    /** Linux 6.9. */
    public static final int IORING_UNREGISTER_NAPI = 28;
    /** Linux 6.12. */
    public static final int IORING_REGISTER_CLOCK = 29;
    /** Linux 6.12. */
    public static final int IORING_REGISTER_CLONE_BUFFERS = 30;
    /** Linux 6.13. */
    public static final int IORING_REGISTER_SEND_MSG_RING = 31;
    /** Linux 6.15. */
    public static final int IORING_REGISTER_ZCRX_IFQ = 32;
    /** Linux 6.13. */
    public static final int IORING_REGISTER_RESIZE_RINGS = 33;
    /** Linux 6.13. */
    public static final int IORING_REGISTER_MEM_REGION = 34;
    /** Linux 6.18. */
    public static final int IORING_REGISTER_QUERY = 35;
    /** Beside an operation: the ring is given by its index among the registered ones. Linux 6.3. */
    public static final int IORING_REGISTER_USE_REGISTERED_RING = 1 << 31;

    /** RsrcRegister.FLAGS: all slots are empty. */
    public static final int IORING_RSRC_REGISTER_SPARSE = 1;
    /** In an array of descriptors: leave this slot as it is. */
    public static final int IORING_REGISTER_FILES_SKIP = -2;
    /** ProbeOp.FLAGS. */
    public static final int IO_URING_OP_SUPPORTED = 1;
    /** BufReg.FLAGS: the kernel allocates the ring. Linux 6.4. */
    public static final int IOU_PBUF_RING_MMAP = 1;
    /** BufReg.FLAGS: buffers are consumed bit by bit. Linux 6.12. */
    public static final int IOU_PBUF_RING_INC = 2;
    /** Index of the bounded workers in the array of IORING_REGISTER_IOWQ_MAX_WORKERS. */
    public static final int IO_WQ_BOUND = 0;
    /** Index of the unbounded workers in the array of IORING_REGISTER_IOWQ_MAX_WORKERS. */
    public static final int IO_WQ_UNBOUND = 1;
    public static final int IORING_RESTRICTION_REGISTER_OP = 0;
    public static final int IORING_RESTRICTION_SQE_OP = 1;
    public static final int IORING_RESTRICTION_SQE_FLAGS_ALLOWED = 2;
    public static final int IORING_RESTRICTION_SQE_FLAGS_REQUIRED = 3;
    /** Napi.OP_PARAM. */
    public static final int IO_URING_NAPI_TRACKING_DYNAMIC = 0;
    /** Napi.OP_PARAM. Linux 6.13. */
    public static final int IO_URING_NAPI_TRACKING_STATIC = 1;
    /** RegionDesc.FLAGS: the caller brings the memory. */
    public static final int IORING_MEM_REGION_TYPE_USER = 1;
    /** MemRegionReg.FLAGS: the region holds RegWait. */
    public static final int IORING_MEM_REGION_REG_WAIT_ARG = 1;
    /** RegWait.FLAGS: the timeout counts. */
    public static final int IORING_REG_WAIT_TS = 1;
    /** CloneBuffers.FLAGS: the source ring is given by its index among the registered ones. */
    public static final int IORING_REGISTER_SRC_REGISTERED = 1;
    /** CloneBuffers.FLAGS: replaces the buffers that are there. Linux 6.13. */
    public static final int IORING_REGISTER_DST_REPLACE = 2;

    /** struct io_uring_sqe, the submission queue entry; 64 bytes, unless the ring has IORING_SETUP_SQE128. */
    public static final class Sqe {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_sqe",
                Layouts.u8("opcode"), Layouts.u8("flags"), Layouts.u16("ioprio"), Layouts.u32("fd"), Layouts.u64("off"),
                Layouts.u64("addr"), Layouts.u32("len"), Layouts.u32("op_flags"), Layouts.u64("user_data"),
                Layouts.u16("buf_index"), Layouts.u16("personality"), Layouts.u32("file_index"), Layouts.u64("addr3"),
                Layouts.u64s("__pad2", 1));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long OPCODE = Layouts.offset(LAYOUT, "opcode");
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");
        /** 16 bits. */
        public static final long IOPRIO = Layouts.offset(LAYOUT, "ioprio");
        /** 32 bits. */
        public static final long FD = Layouts.offset(LAYOUT, "fd");
        /** 64 bits; also addr2, and in its lower half cmd_op. */
        public static final long OFF = Layouts.offset(LAYOUT, "off");
        /** 64 bits; also splice_off_in, and level and optname. */
        public static final long ADDR = Layouts.offset(LAYOUT, "addr");
        /** 32 bits. */
        public static final long LEN = Layouts.offset(LAYOUT, "len");
        /** 32 bits that each operation reads in its way: rw_flags, msg_flags, poll32_events, accept_flags and so on. */
        public static final long OP_FLAGS = Layouts.offset(LAYOUT, "op_flags");
        public static final long USER_DATA = Layouts.offset(LAYOUT, "user_data");
        /** 16 bits; also buf_group. */
        public static final long BUF_INDEX = Layouts.offset(LAYOUT, "buf_index");
        public static final long PERSONALITY = Layouts.offset(LAYOUT, "personality");
        /** 32 bits; also splice_fd_in, optlen, and in its lower half addr_len. */
        public static final long FILE_INDEX = Layouts.offset(LAYOUT, "file_index");
        /** 64 bits; also optval and attr_ptr. */
        public static final long ADDR3 = Layouts.offset(LAYOUT, "addr3");

        private Sqe() {}
    }

    /** struct io_uring_cqe, the completion queue entry; 16 bytes, unless the ring has IORING_SETUP_CQE32. */
    public static final class Cqe {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_cqe",
                Layouts.u64("user_data"), Layouts.u32("res"), Layouts.u32("flags"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long USER_DATA = Layouts.offset(LAYOUT, "user_data");
        /** What the system call would return: a count or descriptor, or a negated errno. */
        public static final long RES = Layouts.offset(LAYOUT, "res");
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");

        private Cqe() {}
    }

    /** struct io_sqring_offsets: where things are in the mapping of the submission ring. */
    public static final class SqOffsets {
        static final StructLayout LAYOUT = Layouts.struct("io_sqring_offsets",
                Layouts.u32("head"), Layouts.u32("tail"), Layouts.u32("ring_mask"), Layouts.u32("ring_entries"),
                Layouts.u32("flags"), Layouts.u32("dropped"), Layouts.u32("array"), Layouts.u32("resv1"),
                Layouts.u64("user_addr"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long HEAD = Layouts.offset(LAYOUT, "head");
        public static final long TAIL = Layouts.offset(LAYOUT, "tail");
        public static final long RING_MASK = Layouts.offset(LAYOUT, "ring_mask");
        public static final long RING_ENTRIES = Layouts.offset(LAYOUT, "ring_entries");
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");
        public static final long DROPPED = Layouts.offset(LAYOUT, "dropped");
        public static final long ARRAY = Layouts.offset(LAYOUT, "array");
        public static final long USER_ADDR = Layouts.offset(LAYOUT, "user_addr");

        private SqOffsets() {}
    }

    /** struct io_cqring_offsets: where things are in the mapping of the completion ring. */
    public static final class CqOffsets {
        static final StructLayout LAYOUT = Layouts.struct("io_cqring_offsets",
                Layouts.u32("head"), Layouts.u32("tail"), Layouts.u32("ring_mask"), Layouts.u32("ring_entries"),
                Layouts.u32("overflow"), Layouts.u32("cqes"), Layouts.u32("flags"), Layouts.u32("resv1"),
                Layouts.u64("user_addr"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long HEAD = Layouts.offset(LAYOUT, "head");
        public static final long TAIL = Layouts.offset(LAYOUT, "tail");
        public static final long RING_MASK = Layouts.offset(LAYOUT, "ring_mask");
        public static final long RING_ENTRIES = Layouts.offset(LAYOUT, "ring_entries");
        public static final long OVERFLOW = Layouts.offset(LAYOUT, "overflow");
        public static final long CQES = Layouts.offset(LAYOUT, "cqes");
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");
        public static final long USER_ADDR = Layouts.offset(LAYOUT, "user_addr");

        private CqOffsets() {}
    }

    /** struct io_uring_params: filled by the caller (flags and sizes), completed by the kernel. */
    public static final class Params {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_params",
                Layouts.u32("sq_entries"), Layouts.u32("cq_entries"), Layouts.u32("flags"), Layouts.u32("sq_thread_cpu"),
                Layouts.u32("sq_thread_idle"), Layouts.u32("features"), Layouts.u32("wq_fd"), Layouts.u32s("resv", 3),
                SqOffsets.LAYOUT.withName("sq_off"), CqOffsets.LAYOUT.withName("cq_off"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long SQ_ENTRIES = Layouts.offset(LAYOUT, "sq_entries");
        public static final long CQ_ENTRIES = Layouts.offset(LAYOUT, "cq_entries");
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");
        public static final long SQ_THREAD_CPU = Layouts.offset(LAYOUT, "sq_thread_cpu");
        /** Milliseconds. */
        public static final long SQ_THREAD_IDLE = Layouts.offset(LAYOUT, "sq_thread_idle");
        public static final long FEATURES = Layouts.offset(LAYOUT, "features");
        public static final long WQ_FD = Layouts.offset(LAYOUT, "wq_fd");
        /** A {@link SqOffsets}. */
        public static final long SQ_OFF = Layouts.offset(LAYOUT, "sq_off");
        /** A {@link CqOffsets}. */
        public static final long CQ_OFF = Layouts.offset(LAYOUT, "cq_off");

        private Params() {}
    }

    /** struct io_uring_getevents_arg, for IORING_ENTER_EXT_ARG. */
    public static final class GeteventsArg {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_getevents_arg",
                Layouts.u64("sigmask"), Layouts.u32("sigmask_sz"), Layouts.u32("min_wait_usec"), Layouts.u64("ts"));
        public static final long SIZE = LAYOUT.byteSize();
        /** Address of a signal set, or 0. */
        public static final long SIGMASK = Layouts.offset(LAYOUT, "sigmask");
        public static final long SIGMASK_SZ = Layouts.offset(LAYOUT, "sigmask_sz");
        /** Linux 6.12; 0 before. */
        public static final long MIN_WAIT_USEC = Layouts.offset(LAYOUT, "min_wait_usec");
        /** Address of a {@link Timespec}, or 0. */
        public static final long TS = Layouts.offset(LAYOUT, "ts");

        private GeteventsArg() {}
    }

    /** struct __kernel_timespec. */
    public static final class Timespec {
        static final StructLayout LAYOUT =
                Layouts.struct("__kernel_timespec", Layouts.u64("tv_sec"), Layouts.u64("tv_nsec"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long TV_SEC = Layouts.offset(LAYOUT, "tv_sec");
        public static final long TV_NSEC = Layouts.offset(LAYOUT, "tv_nsec");

        private Timespec() {}

        /** Writes {@code nanos}, which is not negative, at {@code address}. */
        public static void put(long address, long nanos) { Clocks.Timespec.put(address, nanos); }
    }

    /** struct io_uring_reg_wait, for IORING_ENTER_EXT_ARG_REG. Linux 6.13. */
    public static final class RegWait {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_reg_wait",
                Timespec.LAYOUT.withName("ts"), Layouts.u32("min_wait_usec"), Layouts.u32("flags"), Layouts.u64("sigmask"),
                Layouts.u32("sigmask_sz"), Layouts.u32s("pad", 3), Layouts.u64s("pad2", 2));
        public static final long SIZE = LAYOUT.byteSize();
        /** A {@link Timespec}. */
        public static final long TS = Layouts.offset(LAYOUT, "ts");
        public static final long MIN_WAIT_USEC = Layouts.offset(LAYOUT, "min_wait_usec");
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");
        public static final long SIGMASK = Layouts.offset(LAYOUT, "sigmask");
        public static final long SIGMASK_SZ = Layouts.offset(LAYOUT, "sigmask_sz");

        private RegWait() {}
    }

    /** struct io_uring_buf: one entry of a ring of provided buffers. */
    public static final class Buf {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_buf",
                Layouts.u64("addr"), Layouts.u32("len"), Layouts.u16("bid"), Layouts.u16("resv"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long ADDR = Layouts.offset(LAYOUT, "addr");
        public static final long LEN = Layouts.offset(LAYOUT, "len");
        public static final long BID = Layouts.offset(LAYOUT, "bid");
        /** The ring's tail: 16 bits in the reserved part of entry 0, written with release order. */
        public static final long RING_TAIL = Layouts.offset(LAYOUT, "resv");

        private Buf() {}
    }

    /** struct io_uring_buf_reg, for IORING_REGISTER_PBUF_RING and IORING_UNREGISTER_PBUF_RING. */
    public static final class BufReg {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_buf_reg",
                Layouts.u64("ring_addr"), Layouts.u32("ring_entries"), Layouts.u16("bgid"), Layouts.u16("flags"),
                Layouts.u64s("resv", 3));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long RING_ADDR = Layouts.offset(LAYOUT, "ring_addr");
        /** A power of two, at most 32768. */
        public static final long RING_ENTRIES = Layouts.offset(LAYOUT, "ring_entries");
        public static final long BGID = Layouts.offset(LAYOUT, "bgid");
        /** 16 bits of IOU_PBUF_RING_*. */
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");

        private BufReg() {}
    }

    /** struct io_uring_buf_status, for IORING_REGISTER_PBUF_STATUS. */
    public static final class BufStatus {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_buf_status",
                Layouts.u32("buf_group"), Layouts.u32("head"), Layouts.u32s("resv", 8));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long BUF_GROUP = Layouts.offset(LAYOUT, "buf_group");
        /** Written by the kernel: the next buffer it takes. */
        public static final long HEAD = Layouts.offset(LAYOUT, "head");

        private BufStatus() {}
    }

    /** struct io_uring_probe_op. */
    public static final class ProbeOp {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_probe_op",
                Layouts.u8("op"), Layouts.u8("resv"), Layouts.u16("flags"), Layouts.u32("resv2"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long OP = Layouts.offset(LAYOUT, "op");
        /** 16 bits. */
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");

        private ProbeOp() {}
    }

    /** struct io_uring_probe, for IORING_REGISTER_PROBE: a header, then {@link ProbeOp}s. */
    public static final class Probe {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_probe",
                Layouts.u8("last_op"), Layouts.u8("ops_len"), Layouts.u16("resv"), Layouts.u32s("resv2", 3));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long LAST_OP = Layouts.offset(LAYOUT, "last_op");
        public static final long OPS_LEN = Layouts.offset(LAYOUT, "ops_len");
        /** Where the operations start. */
        public static final long OPS = SIZE;

        private Probe() {}
    }

    /** struct io_uring_files_update, for IORING_REGISTER_FILES_UPDATE. */
    public static final class FilesUpdate {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_files_update",
                Layouts.u32("offset"), Layouts.u32("resv"), Layouts.u64("fds"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long OFFSET = Layouts.offset(LAYOUT, "offset");
        /** Address of 32-bit descriptors. */
        public static final long FDS = Layouts.offset(LAYOUT, "fds");

        private FilesUpdate() {}
    }

    /** struct io_uring_rsrc_register, for IORING_REGISTER_FILES2 and IORING_REGISTER_BUFFERS2. */
    public static final class RsrcRegister {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_rsrc_register",
                Layouts.u32("nr"), Layouts.u32("flags"), Layouts.u64("resv2"), Layouts.u64("data"), Layouts.u64("tags"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long NR = Layouts.offset(LAYOUT, "nr");
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");
        public static final long DATA = Layouts.offset(LAYOUT, "data");
        public static final long TAGS = Layouts.offset(LAYOUT, "tags");

        private RsrcRegister() {}
    }

    /**
     * struct io_uring_rsrc_update; also for IORING_REGISTER_RING_FDS, with the descriptor in {@link #DATA} and the wanted
     * index or -1 in {@link #OFFSET}, and for IORING_UNREGISTER_RING_FDS, with 0 in {@link #DATA}.
     */
    public static final class RsrcUpdate {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_rsrc_update",
                Layouts.u32("offset"), Layouts.u32("resv"), Layouts.u64("data"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long OFFSET = Layouts.offset(LAYOUT, "offset");
        public static final long DATA = Layouts.offset(LAYOUT, "data");

        private RsrcUpdate() {}
    }

    /** struct io_uring_rsrc_update2, for IORING_REGISTER_FILES_UPDATE2 and IORING_REGISTER_BUFFERS_UPDATE. */
    public static final class RsrcUpdate2 {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_rsrc_update2",
                Layouts.u32("offset"), Layouts.u32("resv"), Layouts.u64("data"), Layouts.u64("tags"), Layouts.u32("nr"),
                Layouts.u32("resv2"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long OFFSET = Layouts.offset(LAYOUT, "offset");
        public static final long DATA = Layouts.offset(LAYOUT, "data");
        public static final long TAGS = Layouts.offset(LAYOUT, "tags");
        public static final long NR = Layouts.offset(LAYOUT, "nr");

        private RsrcUpdate2() {}
    }

    /** struct io_uring_restriction, for IORING_REGISTER_RESTRICTIONS. */
    public static final class Restriction {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_restriction",
                Layouts.u16("opcode"), Layouts.u8("register_op"), Layouts.u8("resv"), Layouts.u32s("resv2", 3));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long OPCODE = Layouts.offset(LAYOUT, "opcode");
        /** Also sqe_op and sqe_flags. */
        public static final long REGISTER_OP = Layouts.offset(LAYOUT, "register_op");

        private Restriction() {}
    }

    /** struct io_uring_sync_cancel_reg, for IORING_REGISTER_SYNC_CANCEL. */
    public static final class SyncCancelReg {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_sync_cancel_reg",
                Layouts.u64("addr"), Layouts.u32("fd"), Layouts.u32("flags"), Timespec.LAYOUT.withName("timeout"),
                Layouts.u8("opcode"), Layouts.bytes("pad", 7), Layouts.u64s("pad2", 3));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long ADDR = Layouts.offset(LAYOUT, "addr");
        public static final long FD = Layouts.offset(LAYOUT, "fd");
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");
        /** A {@link Timespec}; both members -1 wait for ever. */
        public static final long TIMEOUT = Layouts.offset(LAYOUT, "timeout");
        /** Linux 6.6. */
        public static final long OPCODE = Layouts.offset(LAYOUT, "opcode");

        private SyncCancelReg() {}
    }

    /** struct io_uring_file_index_range, for IORING_REGISTER_FILE_ALLOC_RANGE. */
    public static final class FileIndexRange {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_file_index_range",
                Layouts.u32("off"), Layouts.u32("len"), Layouts.u64("resv"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long OFF = Layouts.offset(LAYOUT, "off");
        public static final long LEN = Layouts.offset(LAYOUT, "len");

        private FileIndexRange() {}
    }

    /** struct io_uring_recvmsg_out: what a multishot recvmsg puts before address, control data and payload. */
    public static final class RecvmsgOut {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_recvmsg_out",
                Layouts.u32("namelen"), Layouts.u32("controllen"), Layouts.u32("payloadlen"), Layouts.u32("flags"));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long NAMELEN = Layouts.offset(LAYOUT, "namelen");
        public static final long CONTROLLEN = Layouts.offset(LAYOUT, "controllen");
        public static final long PAYLOADLEN = Layouts.offset(LAYOUT, "payloadlen");
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");

        private RecvmsgOut() {}
    }

    /** struct io_uring_napi, for IORING_REGISTER_NAPI. Linux 6.9. */
    public static final class Napi {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_napi",
                Layouts.u32("busy_poll_to"), Layouts.u8("prefer_busy_poll"), Layouts.u8("opcode"), Layouts.bytes("pad", 2),
                Layouts.u32("op_param"), Layouts.u32("resv"));
        public static final long SIZE = LAYOUT.byteSize();
        /** Microseconds. */
        public static final long BUSY_POLL_TO = Layouts.offset(LAYOUT, "busy_poll_to");
        public static final long PREFER_BUSY_POLL = Layouts.offset(LAYOUT, "prefer_busy_poll");
        public static final long OPCODE = Layouts.offset(LAYOUT, "opcode");
        public static final long OP_PARAM = Layouts.offset(LAYOUT, "op_param");

        private Napi() {}
    }

    /** struct io_uring_clock_register, for IORING_REGISTER_CLOCK. */
    public static final class ClockRegister {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_clock_register",
                Layouts.u32("clockid"), Layouts.u32s("__resv", 3));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long CLOCKID = Layouts.offset(LAYOUT, "clockid");

        private ClockRegister() {}
    }

    /** struct io_uring_clone_buffers, for IORING_REGISTER_CLONE_BUFFERS. */
    public static final class CloneBuffers {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_clone_buffers",
                Layouts.u32("src_fd"), Layouts.u32("flags"), Layouts.u32("src_off"), Layouts.u32("dst_off"),
                Layouts.u32("nr"), Layouts.u32s("pad", 3));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long SRC_FD = Layouts.offset(LAYOUT, "src_fd");
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");
        public static final long SRC_OFF = Layouts.offset(LAYOUT, "src_off");
        public static final long DST_OFF = Layouts.offset(LAYOUT, "dst_off");
        public static final long NR = Layouts.offset(LAYOUT, "nr");

        private CloneBuffers() {}
    }

    /** struct io_uring_region_desc: memory shared with the kernel. Linux 6.13. */
    public static final class RegionDesc {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_region_desc",
                Layouts.u64("user_addr"), Layouts.u64("size"), Layouts.u32("flags"), Layouts.u32("id"),
                Layouts.u64("mmap_offset"), Layouts.u64s("__resv", 4));
        public static final long SIZE = LAYOUT.byteSize();
        public static final long USER_ADDR = Layouts.offset(LAYOUT, "user_addr");
        /** The member called size: bytes of the region. */
        public static final long LENGTH = Layouts.offset(LAYOUT, "size");
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");
        public static final long ID = Layouts.offset(LAYOUT, "id");
        public static final long MMAP_OFFSET = Layouts.offset(LAYOUT, "mmap_offset");

        private RegionDesc() {}
    }

    /** struct io_uring_mem_region_reg, for IORING_REGISTER_MEM_REGION. */
    public static final class MemRegionReg {
        static final StructLayout LAYOUT = Layouts.struct("io_uring_mem_region_reg",
                Layouts.u64("region_uptr"), Layouts.u64("flags"), Layouts.u64s("__resv", 2));
        public static final long SIZE = LAYOUT.byteSize();
        /** Address of a {@link RegionDesc}. */
        public static final long REGION_UPTR = Layouts.offset(LAYOUT, "region_uptr");
        public static final long FLAGS = Layouts.offset(LAYOUT, "flags");

        private MemRegionReg() {}
    }

    private static final long SYS_SETUP = Abi.Syscall.IO_URING_SETUP.number();
    private static final long SYS_ENTER = Abi.Syscall.IO_URING_ENTER.number();
    private static final long SYS_REGISTER = Abi.Syscall.IO_URING_REGISTER.number();

    private IoUring() {}

    /**
     * Submits entries and waits for completions. Neither retries nor allocates.
     *
     * @param fd          the ring, or its registered index with {@link #IORING_ENTER_REGISTERED_RING}
     * @param toSubmit    entries to take from the submission ring
     * @param minComplete with {@link #IORING_ENTER_GETEVENTS}, completions to wait for; 0 only runs what is due
     * @param flags       bits of {@code IORING_ENTER_*}
     * @return entries taken, possibly fewer than asked, or a negated errno: {@code -EINTR} a signal came while waiting and
     *         nothing was submitted, {@code -EBUSY} completions overflowed and must be reaped first, {@code -EAGAIN} out of
     *         memory for requests, {@code -EEXIST} a single-issuer ring belongs to another thread, {@code -EBADR}
     *         completions were lost
     */
    public static int enter(ErrnoSlot errno, int fd, int toSubmit, int minComplete, int flags) {
        return enter(errno, fd, toSubmit, minComplete, flags, 0L, 0L);
    }

    /**
     * Submits entries and waits for completions, with an argument.
     *
     * @param argument     with {@link #IORING_ENTER_EXT_ARG}, address of a {@link GeteventsArg}; with
     *                     {@link #IORING_ENTER_EXT_ARG_REG}, offset of a {@link RegWait} in the registered region; else
     *                     address of a signal set, or 0
     * @param argumentSize bytes of the argument: that struct's size, or 8 for a signal set
     * @return as {@link #enter(ErrnoSlot, int, int, int, int)}; {@code -ETIME} the time was up. Where entries were
     *         submitted, their count is returned and not what ended the wait
     */
    public static int enter(ErrnoSlot errno, int fd, int toSubmit, int minComplete, int flags,
                            long argument, long argumentSize) {
        return (int) Libc.syscall(errno, SYS_ENTER, fd, toSubmit, minComplete, flags, argument, argumentSize);
    }

    /**
     * Makes a ring. The descriptor is close-on-exec.
     *
     * @param entries size of the submission ring; the kernel rounds it up to a power of two
     * @param params  address of a {@link Params}, zero but for what is wanted
     * @return its descriptor (an index with {@code IORING_SETUP_REGISTERED_FD_ONLY}), or a negated errno: {@code -ENOSYS}
     *         no io_uring in this kernel, {@code -EPERM} forbidden ({@code kernel.io_uring_disabled}, seccomp),
     *         {@code -EINVAL} a flag is unknown here or does not go with the others, {@code -ENOMEM}
     */
    public static int setup(ErrnoSlot errno, int entries, long params) {
        return (int) Libc.syscall(errno, SYS_SETUP, entries, params);
    }

    /**
     * Registers resources of a ring, or changes or asks for what is registered.
     *
     * @param operation one of {@code IORING_REGISTER_*} and {@code IORING_UNREGISTER_*}
     * @param argument  address of what the operation reads or fills, or 0
     * @param count     elements there, as the operation counts them
     * @return 0 or what the operation returns, or a negated errno: {@code -EINVAL} unknown here or malformed,
     *         {@code -EBUSY} there already, {@code -ENXIO} not there, {@code -EEXIST} the ring belongs to another thread
     */
    public static int register(ErrnoSlot errno, int fd, int operation, long argument, int count) {
        return (int) Libc.syscall(errno, SYS_REGISTER, fd, Integer.toUnsignedLong(operation), argument, count);
    }
}
