package org.libtorque.bench.peer;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.ServerChannelRecvByteBufAllocator;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.uring.IoUringBufferRingConfig;
import io.netty.channel.uring.IoUringChannelOption;
import io.netty.channel.uring.IoUringFixedBufferRingAllocator;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringIoHandlerConfig;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeadersFactory;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.Version;
import io.netty.util.concurrent.DefaultEventExecutorGroup;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.EventExecutorGroup;
import io.netty.util.concurrent.UnorderedThreadPoolEventExecutor;
import java.nio.charset.StandardCharsets;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Netty 4.2 as its own entries in public benchmarks run it: pooled direct buffers, headers not validated, answers written
 * with the void promise and flushed once per batch of reads, a date refreshed once a second, Unsafe granted and buffer
 * checks off (the last two by the flags that the benchmark starts it with).
 */
@Command(name = "NettyServer", description = "Netty 4.2.")
public final class NettyServer extends PeerOptions {
    enum Transport { epoll, io_uring, nio }

    /** {@code http}: HttpServerCodec. {@code scan}: no codec, a blank line ends a request. */
    enum Codec { http, scan }

    /** Who runs the handler: its event loop, one other thread for each channel, or whichever of the others is free. */
    enum Offload { none, ordered, unordered }

    private static final short BUFFER_GROUP = 1;
    private static final int BUFFER_BYTES = 4096;

    @Option(names = "--transport", defaultValue = "epoll", description = "epoll, io_uring or nio")
    Transport transport;

    @Option(names = "--codec", defaultValue = "http", description = "http or scan")
    Codec codec;

    @Option(names = "--loops", defaultValue = "1", description = "event loops, each a thread")
    int loops;

    @Option(names = "--offload", defaultValue = "none",
            description = "who handles requests: none (the event loop), or an executor group, ordered or unordered")
    Offload offload;

    @Option(names = "--offload-threads", defaultValue = "2", description = "threads of that group")
    int offloadThreads;

    @Option(names = "--buffer-ring", defaultValue = "0",
            description = "io_uring: provided buffers of 4 KiB for multishot receive, a power of two; 0 for none")
    short bufferRing;

    private NettyServer() {}

    /** Serves until the process is ended. */
    public static void main(String[] args) { run(new NettyServer(), args); }

    @Override
    public Integer call() throws InterruptedException {
        var group = new MultiThreadIoEventLoopGroup(loops, ioHandlerFactory());
        var clock = new Clock();
        group.next().scheduleAtFixedRate(clock, 1, 1, TimeUnit.SECONDS);
        var handler = new HttpHandler(clock, loops(group), offload == Offload.unordered);
        var bootstrap = new ServerBootstrap()
                .group(group)
                .channel(channelType())
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .option(ChannelOption.SO_REUSEADDR, true)
                .option(ChannelOption.RECVBUF_ALLOCATOR,
                        new ServerChannelRecvByteBufAllocator().maxMessagesPerRead(Integer.MAX_VALUE))
                .childOption(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.RECVBUF_ALLOCATOR,
                        new AdaptiveRecvByteBufAllocator().maxMessagesPerRead(Integer.MAX_VALUE))
                .childHandler(codec == Codec.http ? httpPipeline(handler, handlers()) : scanPipeline());
        if (transport == Transport.io_uring && bufferRing > 0) {
            bootstrap.childOption(IoUringChannelOption.IO_URING_BUFFER_GROUP_ID, BUFFER_GROUP);
        }
        bootstrap.bind(address()).sync();
        ready("Netty " + Version.identify().get("netty-common").artifactVersion() + " " + transport + " " + codec
                + ", loops: " + loops + (offload == Offload.none ? "" : ", offload: " + offload + " " + offloadThreads));
        group.terminationFuture().sync();
        return 0;
    }

    private IoHandlerFactory ioHandlerFactory() {
        return switch (transport) {
            case epoll -> EpollIoHandler.newFactory();
            case nio -> NioIoHandler.newFactory();
            case io_uring -> {
                var config = new IoUringIoHandlerConfig();
                if (bufferRing > 0) {
                    config.setBufferRingConfig(IoUringBufferRingConfig.builder()
                            .bufferGroupId(BUFFER_GROUP)
                            .bufferRingSize(bufferRing)
                            .batchSize(bufferRing / 2)
                            .allocator(new IoUringFixedBufferRingAllocator(
                                    PooledByteBufAllocator.DEFAULT, BUFFER_BYTES))
                            .build());
                }
                yield IoUringIoHandler.newFactory(config);
            }
        };
    }

    private Class<? extends ServerChannel> channelType() {
        return switch (transport) {
            case epoll -> EpollServerSocketChannel.class;
            case nio -> NioServerSocketChannel.class;
            case io_uring -> IoUringServerSocketChannel.class;
        };
    }

    /** Returns the executors of the handler, null for the event loop. */
    @SuppressWarnings("deprecation")                 // since 4.2, as is addLast below; nothing has taken their place
    private EventExecutorGroup handlers() {
        return switch (offload) {
            case none -> null;
            case ordered -> new DefaultEventExecutorGroup(offloadThreads);
            case unordered -> new UnorderedThreadPoolEventExecutor(offloadThreads);
        };
    }

    /** Returns the number of each event loop. */
    private static Map<EventExecutor, Integer> loops(EventExecutorGroup group) {
        var numbers = new IdentityHashMap<EventExecutor, Integer>();
        for (EventExecutor loop : group) numbers.put(loop, numbers.size());
        return numbers;
    }

    private static ChannelInitializer<Channel> httpPipeline(HttpHandler handler, EventExecutorGroup handlers) {
        return new ChannelInitializer<>() {
            @Override
            @SuppressWarnings("deprecation")
            protected void initChannel(Channel channel) {
                var config = new HttpDecoderConfig()
                        .setHeadersFactory(HttpHandler.HEADERS)
                        .setTrailersFactory(HttpHandler.TRAILERS);
                channel.pipeline().addLast(new HttpServerCodec(config)).addLast(handlers, handler);
            }
        };
    }

    private static ChannelInitializer<Channel> scanPipeline() {
        byte[] one = answers("nety", 1);
        byte[] many = answers("nety", ScanHandler.ANSWER_COPIES);
        ByteBuf block = Unpooled.unreleasableBuffer(Unpooled.directBuffer(many.length).writeBytes(many)).asReadOnly();
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new ScanHandler(block, one.length));
            }
        };
    }

    /** The Date field's value; written by one loop each second, read by all. */
    private static final class Clock implements Runnable {
        private volatile AsciiString date = AsciiString.of(httpDate());

        @Override
        public void run() { date = AsciiString.of(httpDate()); }
    }

    @Sharable
    private static final class HttpHandler extends ChannelInboundHandlerAdapter {
        static final HttpHeadersFactory HEADERS = DefaultHttpHeadersFactory.headersFactory().withValidation(false);
        static final HttpHeadersFactory TRAILERS = DefaultHttpHeadersFactory.trailersFactory().withValidation(false);
        private static final byte[] CONTENT = BODY.getBytes(StandardCharsets.US_ASCII);
        private static final AsciiString SERVER = AsciiString.cached("nety");
        private static final AsciiString TEXT_PLAIN = AsciiString.cached("text/plain");
        private static final AsciiString LENGTH = AsciiString.cached(String.valueOf(CONTENT.length));

        private final Clock clock;
        private final Map<EventExecutor, Integer> loops;
        private final boolean unordered;

        /** @param unordered whether the end of a batch of reads may be told of before what was in it: then each answer is flushed */
        HttpHandler(Clock clock, Map<EventExecutor, Integer> loops, boolean unordered) {
            this.clock = clock;
            this.loops = loops;
            this.unordered = unordered;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            if (message == LastHttpContent.EMPTY_LAST_CONTENT) return;
            if (message instanceof HttpRequest request) {
                answer(context, request);
            } else {
                ReferenceCountUtil.release(message);
            }
        }

        private void answer(ChannelHandlerContext context, HttpRequest request) {
            byte[] content = CONTENT;
            AsciiString length = LENGTH;
            if (!request.uri().equals("/plaintext")) {
                String work = Work.answer(request.uri(), loops.get(context.channel().eventLoop()));
                if (work == null) {
                    missing(context);
                    return;
                }
                content = work.getBytes(StandardCharsets.US_ASCII);
                length = AsciiString.of(String.valueOf(content.length));
            }
            var response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK,
                    Unpooled.wrappedBuffer(content), HEADERS, TRAILERS);
            response.headers()
                    .set(HttpHeaderNames.SERVER, SERVER)
                    .set(HttpHeaderNames.DATE, clock.date)
                    .set(HttpHeaderNames.CONTENT_TYPE, TEXT_PLAIN)
                    .set(HttpHeaderNames.CONTENT_LENGTH, length);
            if (unordered) context.writeAndFlush(response, context.voidPromise());
            else context.write(response, context.voidPromise());
        }

        private static void missing(ChannelHandlerContext context) {
            var missing = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.NOT_FOUND);
            missing.headers().set(HttpHeaderNames.CONTENT_LENGTH, 0);
            context.writeAndFlush(missing).addListener(ChannelFutureListener.CLOSE);
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) { context.flush(); }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) { context.close(); }
    }

    private static final class ScanHandler extends ChannelInboundHandlerAdapter {
        static final int ANSWER_COPIES = 512;

        private final BlankLines blankLines = new BlankLines();
        private final ByteBuf answers;
        private final int answerBytes;

        ScanHandler(ByteBuf answers, int answerBytes) {
            this.answers = answers;
            this.answerBytes = answerBytes;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf input = (ByteBuf) message;
            int owed = blankLines.count(input.internalNioBuffer(input.readerIndex(), input.readableBytes()));
            input.release();
            while (owed > 0) {
                int batch = Math.min(owed, ANSWER_COPIES);
                context.write(answers.slice(0, batch * answerBytes), context.voidPromise());
                owed -= batch;
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) { context.flush(); }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) { context.close(); }
    }
}
