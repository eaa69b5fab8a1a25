package org.libtorque.bench.peer;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultFileRegion;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SingleThreadEventLoop;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.FixedLengthFrameDecoder;
import io.netty.util.Version;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Sends files with Netty's FileRegion, from one event loop. */
public final class NettyFileServer extends PeerOptions {
    enum Transport { epoll, nio }

    @Option(names = "--transport", defaultValue = "epoll", description = "epoll or nio")
    Transport transport;

    @Option(names = "--root", required = true, description = "folder of the files")
    Path folder;

    private LoopWatch watch;

    private NettyFileServer() {}

    /** Serves until the process is ended. */
    public static void main(String[] args) { run(new NettyFileServer(), args); }

    @Override public Integer call() throws InterruptedException {
        var group = new MultiThreadIoEventLoopGroup(1, transport == Transport.epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
        var loop = (SingleThreadEventLoop) group.next();
        // Tasks that submit themselves are run for a second before the loop looks at its sockets again; this one comes back at the end of the next turn, having seen to it that there is one.
        watch = new LoopWatch(next -> loop.execute(() -> loop.executeAfterEventLoopIteration(next)));
        new ServerBootstrap().group(group)
                .channel(transport == Transport.epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override protected void initChannel(SocketChannel channel) {
                        channel.pipeline().addLast(new FixedLengthFrameDecoder(FileProtocol.REQUEST_BYTES)).addLast(new Answers());
                    }
                })
                .bind(address()).sync();
        ready("Netty " + Version.identify().get("netty-common").artifactVersion() + " FileRegion " + transport);
        group.terminationFuture().sync();
        return 0;
    }

    private final class Answers extends ChannelInboundHandlerAdapter {
        @Override public void channelRead(ChannelHandlerContext context, Object message) throws IOException {
            ByteBuf request = (ByteBuf) message;
            int number = request.readInt();
            request.release();
            if (number == FileProtocol.WATCH) {
                watch.start();
                context.writeAndFlush(Unpooled.wrappedBuffer(FileProtocol.head(0)));
            } else if (number == FileProtocol.REPORT) {
                byte[] report = watch.report();
                context.write(Unpooled.wrappedBuffer(FileProtocol.head(report.length)));
                context.writeAndFlush(Unpooled.wrappedBuffer(report));
            } else {
                // As Netty's own example of a static file server: the length first, then the region, which closes the file.
                RandomAccessFile file = new RandomAccessFile(FileProtocol.file(folder, number).toFile(), "r");
                long size = file.length();
                context.write(Unpooled.wrappedBuffer(FileProtocol.head(size)), context.voidPromise());
                context.writeAndFlush(new DefaultFileRegion(file.getChannel(), 0, size));
            }
        }

        @Override public void exceptionCaught(ChannelHandlerContext context, Throwable cause) { context.close(); }
    }
}
