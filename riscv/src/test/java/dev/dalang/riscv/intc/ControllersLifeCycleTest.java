package dev.dalang.riscv.intc;

import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.testkit.SuspendableLifeCycle;

import org.junit.jupiter.api.Nested;

/** What every suspendable does, for the four controllers. */
class ControllersLifeCycleTest {
    @Nested
    class AclintLifeCycle implements SuspendableLifeCycle<Aclint> {
        private final ManualVirtualClock clock = new ManualVirtualClock();

        @Override
        public Aclint create() {
            return Aclint.builder(clock)
                    .hart(new RecordingLine(), new RecordingLine())
                    .hart(new RecordingLine(), new RecordingLine())
                    .build();
        }

        @Override
        public void mutate(Aclint aclint) {
            aclint.mmioWrite(0, 4, 4, 1);
            aclint.mmioWrite(0, 0x4008, 8, 1234);
            aclint.mmioWrite(0, 0xbff8, 8, 77);
        }
    }

    @Nested
    class PlicLifeCycle implements SuspendableLifeCycle<Plic> {
        @Override
        public Plic create() {
            return Plic.builder(95).hart(new RecordingLine(), new RecordingLine()).build();
        }

        @Override
        public void mutate(Plic plic) {
            plic.mmioWrite(0, 40, 4, 3);
            plic.mmioWrite(0, 44, 4, 3);
            plic.mmioWrite(0, 0x2000, 4, -1);
            plic.mmioWrite(0, 0x20_1000, 4, 2);
            plic.line(10).raise();
            plic.line(11).raise();
            plic.mmioRead(0, 0x20_0004, 4);
        }
    }

    @Nested
    class ImsicLifeCycle implements SuspendableLifeCycle<Imsic> {
        @Override
        public Imsic create() {
            return Imsic.builder(0x2800_0000L)
                    .hart(new RecordingLine())
                    .hart(new RecordingLine())
                    .build();
        }

        @Override
        public void mutate(Imsic imsic) {
            imsic.signal(0x2800_1000L, 200);
            imsic.file(1).writeRegister(0x70, 1);
            imsic.file(1).writeRegister(0x72, 222);
            imsic.file(1).writeRegister(0xc6, -1);
        }
    }

    @Nested
    class AplicLifeCycle implements SuspendableLifeCycle<Aplic> {
        @Override
        public Aplic create() {
            return Aplic.builder(96)
                    .messages((address, data) -> true)
                    .hart(new RecordingLine(), new RecordingLine())
                    .build();
        }

        @Override
        public void mutate(Aplic aplic) {
            AplicRegisters machine = new AplicRegisters(aplic.machine());
            AplicRegisters supervisor = new AplicRegisters(aplic.supervisor());
            machine.write(0x1bc0, 0x24000);
            machine.sourcecfg(3, AplicRegisters.DELEGATE);
            machine.sourcecfg(4, AplicRegisters.LEVEL1);
            machine.target(4, 3);
            machine.idelivery(0, 1);
            supervisor.domaincfg(AplicRegisters.DM);
            supervisor.sourcecfg(3, AplicRegisters.EDGE1);
            supervisor.target(3, 33);
            aplic.line(3).raise();
            aplic.line(4).raise();
            machine.setienum(4);
        }
    }
}
