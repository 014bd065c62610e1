// Runs the steered firmware in MicroPython's own virtual machine: node run_in_wasm.mjs DEV HOST PORT FILE SLOTS.
// The machine has no sockets and no disk; this lends it Node's.

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

import { loadMicroPython } from '@micropython/micropython-webassembly-pyscript/micropython.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const HEAP_BYTES = 1 << 20;

class Socket {
  constructor(socket) {
    this.socket = socket;
    this.arrived = Buffer.alloc(0);
    this.waiting = null;
    this.hasEnded = false;
    socket.setNoDelay(true);
    socket.on('data', (octets) => {
      this.arrived = Buffer.concat([this.arrived, octets]);
      this.wake();
    });
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.hasEnded = true;
        this.wake();
      });
    }
  }

  wake() {
    const { waiting } = this;
    this.waiting = null;
    waiting?.();
  }

  async read(most) {
    while (!this.arrived.length && !this.hasEnded) {
      await new Promise((woken) => { this.waiting = woken; });
    }
    const octets = this.arrived.subarray(0, most);
    this.arrived = this.arrived.subarray(octets.length);
    return octets.toString('hex');
  }

  write(hex) {
    return new Promise((done) => { this.socket.write(Buffer.from(hex, 'hex'), (error) => done(!error)); });
  }

  close() {
    this.socket.destroy();
  }
}

class File {
  constructor(name, size) {
    this.descriptor = fs.openSync(name, fs.constants.O_RDWR | fs.constants.O_CREAT);
    if (fs.fstatSync(this.descriptor).size < size) fs.ftruncateSync(this.descriptor, size);
  }

  read(offset, length) {
    const octets = Buffer.alloc(length);
    return octets.subarray(0, fs.readSync(this.descriptor, octets, 0, length, offset)).toString('hex');
  }

  write(offset, hex) {
    const octets = Buffer.from(hex, 'hex');
    fs.writeSync(this.descriptor, octets, 0, octets.length, offset);
  }
}

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const bridge = {
  connect: (host, port) => new Promise((done) => {
    const socket = net.connect(port, host, () => done(new Socket(socket)));
    socket.once('error', () => done(undefined));
  }),
  open_file: (name, size) => new File(name, size),
  next_line: async () => (await lines.next()).value ?? '',
};

function copyInto(mp, from, to) {
  mp.FS.mkdir(to);
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name !== '__pycache__') {
      copyInto(mp, path.join(from, entry.name), `${to}/${entry.name}`);
    } else if (entry.name.endsWith('.py')) {
      mp.FS.writeFile(`${to}/${entry.name}`, fs.readFileSync(path.join(from, entry.name)));
    }
  }
}

const mp = await loadMicroPython({ heapsize: HEAP_BYTES, stdout: (line) => console.log(line), linebuffer: true });
mp.registerJsModule('bridge', bridge);
copyInto(mp, HERE, '/firmware');
mp.globals.set('arguments', process.argv.slice(2).join('\n'));
// A task of its own: without one the first wait_for in MicroPython's top level hangs.
await mp.runPythonAsync(`
import asyncio, sys
sys.path.append("/")
from firmware import on_wasm, steered
await asyncio.create_task(steered.main(on_wasm.WasmPorts(), arguments.split("\\n")))
`);
process.exit(0);
