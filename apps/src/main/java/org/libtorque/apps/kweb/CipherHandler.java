package org.libtorque.apps.kweb;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * The work behind {@code /cipher?kb=N}: AES-128-GCM over N KiB. It stands for a server that encrypts what it sends, as the file server SFS does, whose encryption libasync-smp
 * made parallel by one colour per client; only the tag is sent, so that the encryption is what is measured. The key is known to everybody: nothing here is secret.
 *
 * <p>One vcore's; any session's request may use it for as long as its callback runs.
 */
final class CipherHandler {
    static final int MAX_KIB = 1024;
    static final int TAG_BYTES = 16;
    static final byte[] KEY = "known to anybody".getBytes(ISO_8859_1);
    private static final int NONCE_BYTES = 12;
    private static final int KIB = 1024;
    /** Encrypted at a time; stays in the second-level cache. */
    private static final int CHUNK = 16 * KIB;
    private static final byte[] PLAIN = new byte[CHUNK];

    private final SecretKeySpec key = new SecretKeySpec(KEY, "AES");
    private final byte[] out = new byte[CHUNK + TAG_BYTES];
    private final byte[] nonce = new byte[NONCE_BYTES];
    private final Cipher cipher;

    CipherHandler() {
        try {
            cipher = Cipher.getInstance("AES/GCM/NoPadding");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has AES/GCM", e);
        }
    }

    /**
     * Encrypts zeros, and returns the body that says what came of it. A nonce is used once: it is made of both numbers.
     *
     * @param connection the connection's number
     * @param message    how many have been encrypted for it
     * @param kib        at most {@link #MAX_KIB}
     */
    byte[] encrypt(long connection, int message, int kib) {
        ByteBuffer.wrap(nonce).putLong(connection).putInt(message);
        int end;
        try {
            cipher.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(8 * TAG_BYTES, nonce));
            for (int left = kib * KIB; left > 0; left -= CHUNK) cipher.update(PLAIN, 0, Math.min(left, CHUNK), out, 0);
            end = cipher.doFinal(out, 0);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES/GCM of " + kib + " KiB", e);
        }
        HexFormat hex = HexFormat.of();
        return ("{\"kb\":" + kib + ",\"nonce\":\"" + hex.formatHex(nonce) + "\",\"tag\":\"" + hex.formatHex(out, end - TAG_BYTES, end) + "\"}\n").getBytes(ISO_8859_1);
    }
}
