// Reads the images of a sample, runs the network on them, and shows what it predicts.
// An image becomes the same numbers as in Python (LoadMultimodalImages of mmamf).
import * as ort from './ort.wasm.bundle.min.mjs';

const SAMPLES = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }; // color type of a PNG -> values per pixel
const PALETTE = 3; // the color type whose values are indices
const SMALLEST = 57; // bytes of a PNG: its mark and three chunks
const MOST_PIXELS = 2 ** 26;
const SHOWN = 3; // classes whose probabilities are shown
const LARGEST = { uint8: 255, uint16: 65535 };

const find = (selector, within = document) => within.querySelector(selector);
const copyOf = (id) => find(`#${id}`).content.firstElementChild.cloneNode(true);
const element = (tag, className, text = '') =>
  Object.assign(document.createElement(tag), { className, textContent: text });

// ---- Files to numbers: { width, height, channels, bits, values }, values as the file stores them

export async function readImage(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const begins = (...start) => start.every((byte, i) => bytes[i] === byte);
  if (begins(0x89, 0x50, 0x4e, 0x47)) return readPng(bytes);
  if (begins(0xff, 0xd8)) return readJpeg(bytes);
  throw new Error('this page reads PNG and JPEG files, and this is neither.');
}

// A canvas would cut 16 bits to 8 and mix colors with alpha, so PNG is decoded here.
async function readPng(bytes) {
  if (bytes.length < SMALLEST) throw new Error('the file is cut off.');
  const view = new DataView(bytes.buffer);
  const packed = [];
  let palette = [];
  for (let at = 8, kind = ''; kind !== 'IEND'; ) {
    if (at + 12 > bytes.length) throw new Error('the file is cut off.');
    const length = view.getUint32(at);
    const content = bytes.subarray(at + 8, at + 8 + length);
    kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (kind === 'PLTE') palette = content;
    if (kind === 'IDAT') packed.push(content);
    at += 12 + length;
  }
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [bits, color, , , interlaced] = bytes.subarray(24, 29);
  const channels = SAMPLES[color];
  if (!width || !height || !channels) throw new Error('the header of the file is damaged.');
  if (interlaced) throw new Error('this PNG is interlaced. Save it without interlacing.');
  checkSize(width, height);
  const stride = Math.ceil((width * channels * bits) / 8); // bytes of a row, without its filter
  const raw = (await inflate(packed)).subarray(0, height * (stride + 1));
  if (raw.length < height * (stride + 1)) throw new Error('the file is damaged: pixels are missing.');
  unfilter(raw, stride, Math.max(1, (channels * bits) >> 3));

  const values = new (bits === 16 ? Uint16Array : Uint8Array)(width * height * channels);
  for (let y = 0, k = 0; y < height; y++) {
    const row = raw.subarray(y * (stride + 1) + 1);
    for (let i = 0; i < width * channels; i++, k++) {
      const bit = i * bits;
      values[k] = bits === 16
        ? (row[2 * i] << 8) | row[2 * i + 1]
        : (row[bit >> 3] >> (8 - bits - (bit & 7))) & (2 ** bits - 1);
    }
  }
  if (color !== PALETTE) return { width, height, channels, bits: Math.max(8, bits), values };
  const colors = new Uint8Array(3 * values.length);
  values.forEach((index, i) => colors.set(palette.subarray(3 * index, 3 * index + 3), 3 * i));
  return { width, height, channels: 3, bits: 8, values: colors };
}

async function inflate(packed) {
  try {
    const stream = new Blob(packed).stream().pipeThrough(new DecompressionStream('deflate'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Error('the file is damaged: it cannot be unpacked.');
  }
}

// Each row begins with the number of the filter that predicted its bytes from their neighbors.
function unfilter(raw, stride, step) {
  const predict = [
    () => 0,
    (left) => left,
    (left, above) => above,
    (left, above) => (left + above) >> 1,
    (left, above, corner) => {
      const far = [above - corner, left - corner, left + above - 2 * corner].map(Math.abs);
      return far[0] <= far[1] && far[0] <= far[2] ? left : far[1] <= far[2] ? above : corner;
    },
  ];
  let last = new Uint8Array(stride);
  for (let at = 0; at < raw.length; at += stride + 1) {
    const row = raw.subarray(at + 1, at + 1 + stride);
    const value = predict[raw[at]];
    if (!value) throw new Error('the file is damaged: it has a filter that PNG does not know.');
    for (let i = 0; i < row.length; i++) {
      row[i] += value(row[i - step] ?? 0, last[i], last[i - step] ?? 0);
    }
    last = row;
  }
}

// EXIF, which may turn the image, and color profiles are left out, because Python ignores both.
async function readJpeg(bytes) {
  const kept = [bytes.subarray(0, 2)];
  let channels = 0;
  for (let at = 2, marker = 0; marker !== 0xda; ) {
    marker = bytes[at + 1];
    if (bytes[at] !== 0xff) throw new Error('the file is damaged or cut off.');
    const end = marker === 0xff ? at + 1 : at + 2 + (bytes[at + 2] << 8) + bytes[at + 3];
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      channels = bytes[at + 9];
      checkSize((bytes[at + 7] << 8) + bytes[at + 8], (bytes[at + 5] << 8) + bytes[at + 6]);
    }
    if (marker !== 0xe1 && marker !== 0xe2) kept.push(bytes.subarray(at, marker === 0xda ? undefined : end));
    at = end;
  }
  const ends = bytes.subarray(-64).some((byte, i, tail) => byte === 0xff && tail[i + 1] === 0xd9);
  if (!ends) throw new Error('the file is cut off.');
  if (channels === 4) throw new Error('this JPEG is made for printing (CMYK). Save it as RGB.');
  const options = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };
  const bitmap = await createImageBitmap(new Blob(kept), options).catch(() => {
    throw new Error('the file is damaged: it cannot be decoded.');
  });
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  canvas.drawImage(bitmap, 0, 0);
  const { data } = canvas.getImageData(0, 0, width, height); // red, green, blue, alpha
  const values = new Uint8Array(width * height * channels);
  for (let k = 0; k < values.length; k++) {
    values[k] = data[4 * Math.floor(k / channels) + (k % channels)];
  }
  return { width, height, channels, bits: 8, values };
}

function checkSize(width, height) {
  if (width * height > MOST_PIXELS) {
    throw new Error(`an image of ${width} x ${height} pixels is too large for this page.`);
  }
}

// ---- Numbers to the input of the network: planes (C, H, W) with NaN for missing readings

export function toPlanes(image, spec) {
  const order = chooseChannels(image, spec);
  const bits = spec.dtype === 'uint16' ? 16 : 8;
  if (image.bits !== bits) {
    throw new Error(`expected ${bits} bits per value, as the files of the training; this has ${image.bits}.`);
  }
  const count = image.width * image.height;
  const planes = new Float32Array(order.length * count);
  order.forEach((channel, c) => {
    for (let i = 0; i < count; i++) planes[c * count + i] = image.values[i * image.channels + channel];
  });
  markMissing(planes, count, order.length, spec);
  if (planes.every(Number.isNaN)) {
    throw new Error(`this image has no reading: all pixels are missing. Take ${spec.name} away instead.`);
  }
  if (spec.calibrated === false) {
    for (let at = 0; at < planes.length; at += count) standardize(planes.subarray(at, at + count));
  }
  return { width: image.width, height: image.height, channels: order.length, planes };
}

// Alpha counts as a channel only where the model has 2 or 4 of them, or names those it takes.
function chooseChannels(image, { channels, bands }) {
  const all = [...Array(image.channels).keys()];
  if (bands) {
    if (Math.max(...bands) < image.channels) return bands;
    throw new Error(`expected at least ${Math.max(...bands) + 1} channels; this has ${image.channels}.`);
  }
  const found = channels === 1 || channels === 3 ? all.slice(0, image.channels < 3 ? 1 : 3) : all;
  if (found.length !== channels) {
    const kinds = { 1: 'a gray image', 2: 'gray with alpha', 3: 'a color image', 4: 'color with alpha' };
    throw new Error(`expected ${kinds[channels]}; this is ${kinds[found.length]}.`);
  }
  return channels === 3 ? found.reverse() : found; // OpenCV's order: blue, green, red
}

function markMissing(planes, count, channels, { dtype, missing, valid_range: range }) {
  const values = [missing ?? []].flat();
  const isMissing = (value) => values.includes(value) || (range && (value < range[0] || value > range[1]));
  for (let i = 0; i < count; i++) {
    let holes = 0;
    for (let k = i; k < planes.length; k += count) holes += isMissing(planes[k]) ? 1 : 0;
    // a color is missing as a whole or not at all; other channels count on their own
    if (!holes || (dtype === 'uint8' && holes < channels)) continue;
    for (let k = i; k < planes.length; k += count) if (isMissing(planes[k])) planes[k] = NaN;
  }
}

function standardize(plane) {
  const readings = plane.filter((value) => !Number.isNaN(value));
  const count = Math.max(1, readings.length);
  const mean = readings.reduce((sum, value) => sum + value, 0) / count;
  const deviation = Math.sqrt(readings.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count);
  const hasContrast = deviation > 1e-12 * Math.abs(mean); // a flat image becomes 0
  plane.forEach((value, i) => { plane[i] = (value - mean) / (hasContrast ? deviation : Infinity); });
}

// Gaussian noise, the same in each call; its strength is in standard deviations of the training.
function addNoise({ planes, ...size }, spec, strength) {
  const count = size.width * size.height;
  const random = randomNumbers(1);
  const noisy = planes.map((value, i) => {
    const channel = Math.floor(i / count);
    const std = spec.std[spec.bgr_to_rgb ? size.channels - 1 - channel : channel] / spec.scale;
    const noise = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const sum = value + strength * std * noise;
    return spec.calibrated === false ? sum : Math.min(LARGEST[spec.dtype], Math.max(0, Math.round(sum)));
  });
  return { ...size, planes: noisy };
}

function randomNumbers(state) {
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

// ---- Numbers to pictures

// Colors are shown as they are, all else in gray from its 1st to its 99th percentile.
function drawPicture(canvas, { width, height, channels, planes }, spec) {
  const count = width * height;
  const sources = channels === 3 ? (spec.bands ? [0, 1, 2] : [2, 1, 0]) : [0, 0, 0];
  let [low, high] = [0, 255];
  if (spec.dtype !== 'uint8' || spec.calibrated === false) {
    const sorted = planes.subarray(0, (Math.max(...sources) + 1) * count).filter((v) => !Number.isNaN(v)).sort();
    [low, high] = [0.01, 0.99].map((part) => sorted[Math.floor(part * (sorted.length - 1))]);
  }
  paint(canvas, width, height, (i) => sources.map((c) => (255 * (planes[c * count + i] - low)) / (high - low || 1)));
}

function paint(canvas, width, height, colorOf) {
  Object.assign(canvas, { width, height });
  const picture = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) picture.data.set([...colorOf(i), 255], 4 * i);
  canvas.getContext('2d').putImageData(picture, 0, 0);
}

// ---- A sensor: its card, its image, and what the network gets of it

class Sensor {
  constructor(spec, isOptional) {
    Object.assign(this, { spec, name: spec.name, image: null, problem: '' });
    const card = (this.card = copyOf('sensor-card'));
    const drop = find('.drop', card);
    const input = find('input', drop);
    const bits = spec.dtype === 'uint16' ? 'PNG of 16 bits' : 'PNG or JPEG of 8 bits';
    const channels = spec.bands ? `channels ${spec.bands.join(', ')}` : { 1: 'gray', 3: 'color' }[spec.channels];
    const missing = [spec.missing ?? []].flat();
    card.id = `sensor-${spec.name}`;
    find('h2', card).textContent = spec.name;
    find('.facts', card).textContent =
      [bits, channels ?? `${spec.channels} channels`, ...missing.map((it) => `${it} means no reading`)].join(', ');
    find('.hint', card).textContent = `Drop the ${spec.name} image here, or click to choose it`;
    for (const radio of card.querySelectorAll('[type=radio]')) {
      radio.name = `switch ${spec.name}`;
      radio.disabled = radio.value === 'absent' && !isOptional;
    }
    input.addEventListener('change', () => { whileBusy(this.read([...input.files])); input.value = ''; });
    drop.addEventListener('dragover', () => drop.classList.add('over'));
    drop.addEventListener('dragleave', () => drop.classList.remove('over'));
    drop.addEventListener('drop', (event) => whileBusy(this.read([...event.dataTransfer.files])));
    card.addEventListener('input', (event) => { if (event.target !== input) whileBusy(refresh()); });
  }

  get mode() {
    return find('[type=radio]:checked', this.card).value;
  }

  async read(files) {
    const [file] = files;
    this.latest = file; // reading takes time, and another file may come meanwhile
    find('.drop', this.card).classList.remove('over');
    let [image, problem] = [null, ''];
    try {
      if (files.length !== 1) throw new Error(`expected one image, got ${files.length} files.`);
      image = toPlanes(await readImage(file), this.spec);
    } catch (error) {
      problem = `${this.name}${file ? ` (${file.name})` : ''}: ${error.message}`;
    }
    if (this.latest !== file) return;
    Object.assign(this, { image, problem });
    find('.file', this.card).textContent = file ? file.name : '';
    await refresh();
  }

  // What the network gets; null if the sensor is taken away or has no image.
  sees() {
    const { card, mode, image, spec } = this;
    const strength = Number(find('.noise input', card).value);
    find('.noise', card).hidden = mode !== 'noisy';
    find('.noise output', card).textContent = `${strength.toFixed(2)} std`;
    card.classList.toggle('absent', mode === 'absent');
    card.classList.toggle('wrong', Boolean(this.problem) && mode !== 'absent');
    find('.drop canvas', card).hidden = !image;
    find('.hint', card).hidden = Boolean(image);
    if (!image) return null;
    const seen = mode === 'noisy' ? addNoise(image, spec, strength) : image;
    drawPicture(find('.drop canvas', card), seen, spec);
    return mode === 'absent' ? null : seen;
  }
}

// ---- A map: what the ensemble or the branch of one sensor predicts

class PredictedMap {
  constructor(output, title, about) {
    Object.assign(this, { output, about });
    const card = (this.card = copyOf('map-card'));
    card.id = output;
    find('figcaption', card).textContent = title;
    const area = find('.map', card);
    for (const kind of ['pointermove', 'pointerdown']) {
      area.addEventListener(kind, (event) => {
        const box = area.getBoundingClientRect();
        pointAt((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      });
    }
  }

  // `sensor` is the one whose picture lies under the labels; without it, there is no map.
  show(logits, sensor, seen) {
    const { card, about } = this;
    this.logits = seen ? logits : null;
    for (const part of ['.map', '.chances']) find(part, card).hidden = !seen;
    find('.absent', card).hidden = Boolean(seen);
    find('.absent', card).textContent = `${sensor.name} is taken away.`;
    if (!seen) return;
    this.count = seen.width * seen.height;
    this.labels = Uint8Array.from({ length: this.count }, (_, pixel) => this.chooseClass(pixel));
    drawPicture(find('.picture', card), seen, sensor.spec);
    paint(find('.labels', card), seen.width, seen.height, (pixel) => about.palette[this.labels[pixel]]);
  }

  logitsAt(pixel) {
    return Array.from({ length: this.logits.length / this.count }, (_, k) => this.logits[k * this.count + pixel]);
  }

  chooseClass(pixel) {
    const logits = this.logitsAt(pixel);
    if (logits.length === 1) return Number(sigmoid(logits[0]) > this.about.threshold);
    return logits.indexOf(Math.max(...logits));
  }

  showChances({ x, y, width }) {
    if (!this.logits) return;
    const { card, about } = this;
    const logits = this.logitsAt(y * width + x);
    const chances = logits.length === 1 ? [1 - sigmoid(logits[0]), sigmoid(logits[0])] : softmax(logits);
    const best = chances.map((chance, k) => [chance, k]).sort(([a], [b]) => b - a).slice(0, SHOWN);
    find('.chances', card).replaceChildren(...best.map(([chance, k]) => {
      const bar = element('span', 'bar');
      bar.append(element('b', ''));
      bar.firstChild.style.width = `${100 * chance}%`;
      const row = element('li', '');
      row.append(chip(about.palette[k]), element('span', 'name', about.classes[k]), bar, percent(chance));
      return row;
    }));
    const mark = find('.cursor', card);
    mark.hidden = false;
    mark.style.left = `${(100 * (x + 0.5)) / width}%`;
    mark.style.top = `${(100 * (y + 0.5)) / (this.count / width)}%`;
  }
}

function sigmoid(logit) {
  return 1 / (1 + Math.exp(-logit));
}

function softmax(logits) {
  const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

function percent(part) {
  return element('span', 'percent', `${(100 * part).toFixed(1)} %`);
}

function chip(color) {
  const mark = element('i', 'chip');
  mark.style.background = `rgb(${color.join(' ')})`;
  return mark;
}

// ---- The page

let about, session, sensors, maps, size;
let pointed = null; // the place in all maps, from 0 to 1
let [isPredicting, isChanged] = [false, false];
let tasks = 0; // that run now

function say(text, isWrong = false) {
  find('#status').textContent = text;
  find('#status').classList.toggle('wrong', isWrong);
}

// Says what keeps the network from running; null if nothing does.
function whatIsWrong() {
  const used = sensors.filter((sensor) => sensor.mode !== 'absent');
  if (!used.length) return ['All sensors are taken away. Leave at least one.', true];
  const problems = used.map((sensor) => sensor.problem).filter(Boolean);
  if (problems.length) return [problems.join('\n'), true];
  const waiting = used.filter((sensor) => !sensor.image).map((sensor) => sensor.name);
  if (waiting.length) {
    const help = about.absent ? ' A sensor that you do not have can be taken away.' : '';
    return [`Waiting for an image of ${waiting.join(' and ')}.${help}`, false];
  }
  const [first, ...others] = used;
  const sizeOf = ({ image }) => `${image.width} x ${image.height}`;
  const other = others.find((sensor) => sizeOf(sensor) !== sizeOf(first));
  if (!other) return null;
  const expected = `${other.name}: expected an image of ${sizeOf(first)} pixels, as of ${first.name}`;
  return [`${expected}; this one has ${sizeOf(other)}.`, true];
}

// Predicts again after a change. Changes during a prediction lead to one more.
async function refresh() {
  isChanged = true;
  if (isPredicting) return;
  isPredicting = true;
  while (isChanged) {
    isChanged = false;
    await predict().catch((error) => {
      find('#results').hidden = true;
      say(`The network cannot run on these images: ${error.message}`, true);
    });
  }
  isPredicting = false;
}

// Tells assistive technology, and tests, that the page is not finished.
async function whileBusy(task) {
  tasks++;
  find('main').ariaBusy = 'true';
  await task;
  tasks--;
  find('main').ariaBusy = String(tasks > 0);
}

async function predict() {
  const seen = sensors.map((sensor) => sensor.sees());
  const wrong = whatIsWrong();
  const results = find('#results');
  if (wrong) {
    results.hidden = true;
    return say(...wrong);
  }
  results.classList.add('stale');
  say('The network is running.');
  await new Promise((done) => setTimeout(done, 20)); // the browser shows the line
  const start = performance.now();
  size = seen.find(Boolean);
  const feed = {};
  sensors.forEach(({ name, spec }, i) => {
    const shape = [1, spec.channels, size.height, size.width];
    const planes = seen[i]?.planes ?? new Float32Array(shape.reduce((a, b) => a * b)).fill(NaN);
    feed[name] = new ort.Tensor('float32', planes, shape);
  });
  const outputs = await session.run(feed);
  const seconds = (performance.now() - start) / 1000;
  for (const map of maps) {
    const own = sensors.findIndex(({ name }) => map.output === `${about.outputs[0]}_${name}`);
    const shown = own < 0 ? seen.findIndex(Boolean) : own; // the ensemble has no picture of its own
    map.show(outputs[map.output].data, sensors[shown], seen[shown]);
  }
  showLegend();
  showChances();
  results.hidden = false;
  results.classList.remove('stale');
  say(`Predicted ${size.width} x ${size.height} pixels in ${seconds.toFixed(2)} s.`);
}

function showLegend() {
  const { labels } = maps[0];
  const counts = about.classes.map(() => 0);
  for (const label of labels) counts[label]++;
  find('#legend').replaceChildren(...about.classes.map((name, k) => {
    const row = element('li', counts[k] ? '' : 'none');
    row.append(chip(about.palette[k]), element('span', 'name', name), percent(counts[k] / labels.length));
    return row;
  }));
}

function pointAt(right, down) {
  pointed = [right, down].map((part) => Math.min(0.999999, Math.max(0, part)));
  showChances();
}

function showChances() {
  if (!pointed) return;
  const { width, height } = size;
  const [x, y] = [Math.floor(pointed[0] * width), Math.floor(pointed[1] * height)];
  find('#pixel').textContent = `probabilities at pixel (${x}, ${y})`;
  for (const map of maps) map.showChances({ x, y, width });
}

async function get(name) {
  const response = await fetch(name, { cache: 'no-cache' }); // an older export may have been here
  if (!response.ok) throw new Error(`${name} is not there (${response.status}). Export the page again.`);
  return response;
}

async function start() {
  about = await (await get('model.json')).json();
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = 1; // more need headers that a plain file server does not send
  session = await ort.InferenceSession.create(await (await get('model.onnx')).arrayBuffer());
  const names = about.modalities.map((spec) => spec.name);
  document.title = find('h1').textContent = `Segmentation of ${names.join(' + ')}`;
  sensors = about.modalities.map((spec) => new Sensor(spec, about.absent !== null));
  const titles = ['ensemble', ...names.map((name) => `branch of ${name}`)];
  maps = about.outputs.map((output, i) => new PredictedMap(output, titles[i], about));
  find('#sensors').append(...sensors.map((sensor) => sensor.card));
  find('#maps').append(...maps.map((map) => map.card));
  const opacity = find('#opacity input');
  opacity.addEventListener('input', () => {
    find('#opacity output').textContent = `${opacity.value} %`;
    find('#maps').style.setProperty('--opacity', opacity.value / 100);
  });
  for (const kind of ['dragover', 'drop']) {
    document.addEventListener(kind, (event) => event.preventDefault()); // do not leave the page
  }
  await refresh();
}

whileBusy(start().catch((error) => say(`The page cannot start: ${error.message}`, true)));
