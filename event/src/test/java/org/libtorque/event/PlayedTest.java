package org.libtorque.event;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.Parameter;
import org.libtorque.testkit.LeakCheck;
import org.libtorque.vcore.Balance;
import org.libtorque.vcore.Color;

/** Tests on {@link PlayedVcores}, with each {@link Setup}. */
@ExtendWith(LeakCheck.class)
abstract class PlayedTest {
    @Parameter Setup setup;

    PlayedVcores played;
    /** At home on the first vcore. */
    Color color;

    @BeforeEach final void open() {
        played = new PlayedVcores(setup.backend(), setup.vcores(), Balance.MIGRATE);
        color = played.vcores[0].newColor();
    }

    @AfterEach final void close() {
        played.settle();
        played.close();
        assertEquals(List.of(), played.failures);
    }
}
