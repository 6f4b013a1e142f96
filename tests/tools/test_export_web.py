"""tools/export_web.py: the page predicts in a browser as Python does, and explains mistakes."""

import base64
import functools
import http.server
import importlib
import io
import json
import shutil
import struct
import threading
import zlib
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from PIL import Image

from mmamf.apis import MultimodalInferencer, OnnxSegmentor
from mmamf.datasets.transforms.read_image import decode_raster
from mmamf.deployment import onnxruntime_web

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
BROWSERS = map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))
BROWSER = next(filter(None, BROWSERS), None)
SIZE, COUNT = (48, 64), 20
CLASSES = ('floor', 'wall', 'table', 'lamp', 'door')
PALETTE = [[140, 110, 80], [200, 200, 190], [230, 130, 30], [255, 230, 50], [0, 255, 230]]
MODALITIES = [
    dict(name='rgb', channels=3, dtype='uint8', mean=[124, 116, 104], std=57, bgr_to_rgb=True),
    dict(name='depth', channels=1, dtype='uint16', missing=0, mean=2500, std=900),
    dict(name='thermal', channels=1, dtype='uint8', calibrated=False),
]
NAMES = tuple(spec['name'] for spec in MODALITIES)
TIE = 1e-4  # logits nearer than this may change places
WRITTEN = {'index.html', 'style.css', 'page.js', 'model.json', 'model.onnx'}


@pytest.fixture(scope='module')
def tools():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOLS))
        yield {name: importlib.import_module(name) for name in ('export_onnx', 'export_web')}


@pytest.fixture(scope='module')
def model(tools, tmp_path_factory):
    """ONNX file of a network that looks trained."""
    folder = tmp_path_factory.mktemp('model')
    dataset = dict(
        type='MultimodalSegDataset',
        modalities=MODALITIES,
        metainfo=dict(classes=CLASSES, palette=PALETTE),
        pipeline=[dict(type='LoadMultimodalImages'), dict(type='PackMultimodalSegInputs')],
    )
    fcn = dict(type='FCNHead', in_index=3, in_channels=64, channels=8, num_convs=1, num_classes=5)
    config = Config(
        dict(
            default_scope='mmseg',
            model=dict(
                type='MultimodalSegmentor',
                data_preprocessor=dict(type='MultimodalSegDataPreprocessor', modalities=MODALITIES),
                backbone=dict(
                    type='SharedMultimodalResNet',
                    depth=18,
                    num_modalities=3,
                    base_channels=8,
                    stem_channels=8,
                    fusion=dict(type='ChannelShufflePixelShiftFusion'),
                ),
                decode_head=dict(type='ModalityEnsembleHead', num_modalities=3, head=fcn),
                test_cfg=dict(mode='whole'),
            ),
            test_dataloader=dict(dataset=dataset),
        )
    )
    text = '\n'.join(f'{key} = {value!r}' for key, value in config.to_dict().items())
    (folder / 'config.py').write_text(text)
    with DefaultScope.overwrite_default_scope('mmseg'):
        torch.manual_seed(0)
        network = MODELS.build(config.model)
        last = network.decode_head.head.conv_seg
        torch.nn.init.normal_(last.weight, std=4)
        with torch.no_grad():  # all classes are predicted somewhere
            last.bias -= network.eval()(torch.randn(4, 9, *SIZE)).mean((0, 2, 3))
        torch.save(dict(state_dict=network.state_dict()), folder / 'weights.pth')
        paths = [str(folder / name) for name in ('config.py', 'weights.pth', 'model.onnx')]
        tools['export_onnx'].main(paths)
    return folder / 'model.onnx'


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """Folder of the samples: noisy blobs in color, 16-bit depth with holes, and 8-bit gray."""
    folder = tmp_path_factory.mktemp('images')
    rng = np.random.default_rng(0)
    for name in NAMES:
        (folder / name).mkdir()
    for i in range(COUNT):
        blobs = cv2.resize(rng.random((4, 5, 5)), SIZE[::-1], interpolation=cv2.INTER_CUBIC)
        blobs = (blobs + 0.05 * rng.standard_normal(blobs.shape)).clip(0, 1)
        depth = (400 + 4500 * blobs[..., 3]).astype(np.uint16)
        depth[rng.random(SIZE) < 0.1] = 0
        for name, image in dict(
            rgb=(255 * blobs[..., :3]).astype(np.uint8),
            depth=depth,
            thermal=(255 * blobs[..., 4]).astype(np.uint8),
        ).items():
            cv2.imwrite(str(folder / name / f'{i:02d}.png'), image)
    return folder


@pytest.fixture(scope='module')
def runtime():
    """Skips without onnxruntime-web, which npm downloads once."""
    try:
        onnxruntime_web.read_runtime()
    except ValueError as error:
        pytest.skip(str(error))


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class Page:
    """The page in a browser, used as a person uses it."""

    def __init__(self, tab):
        self.tab = tab

    def drop(self, **files):
        for name, path in files.items():
            self.tab.set_input_files(f'#sensor-{name} input[type=file]', path)

    def switch(self, **modes):
        for name, mode in modes.items():
            self.tab.locator(f'#sensor-{name}').get_by_text(mode, exact=True).click()

    def answer(self):
        """Wait for the end of what runs, and return what the page says."""
        self.tab.wait_for_selector('main[aria-busy=false]', timeout=60_000)
        return self.tab.inner_text('#status')

    def labels(self, source):
        """Read a label map from the colors that are on the screen."""
        output = 'seg_logits' + ('' if source == 'ensemble' else f'_{source}')
        url = self.tab.evaluate(
            '(id) => document.querySelector(`#${id} .labels`).toDataURL("image/png")', output
        )
        colors = Image.open(io.BytesIO(base64.b64decode(url.partition(',')[2])))
        is_class = (np.array(colors)[:, :, None, :3] == np.array(PALETTE)).all(-1)
        assert (is_class.sum(-1) == 1).all()
        return is_class.argmax(-1)


@pytest.fixture
def page(opened):
    """The page, with all sensors as they are."""
    opened.switch(**dict.fromkeys(NAMES, 'as it is'))
    opened.answer()
    return opened


@pytest.fixture(scope='module')
def opened(tools, model, runtime, tmp_path_factory):
    """The page of the model, open in a browser; no request leaves its server, nothing fails."""
    api = pytest.importorskip('playwright.sync_api', reason='needs playwright')
    if BROWSER is None:
        pytest.skip('needs a browser: apt-get install chromium')
    out = tmp_path_factory.mktemp('page') / 'out'
    tools['export_web'].main([str(model), str(out)])
    server = http.server.ThreadingHTTPServer(
        ('127.0.0.1', 0), functools.partial(Handler, directory=out)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f'http://127.0.0.1:{server.server_port}/'
    requests, errors = [], []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=['--no-sandbox'])
        tab = browser.new_page(viewport=dict(width=1280, height=900))
        tab.on('request', lambda request: requests.append(request.url))
        tab.on('pageerror', lambda error: errors.append(str(error)))
        tab.on('console', lambda line: errors.append(line.text) if line.type == 'error' else None)
        tab.goto(address)
        tab.wait_for_selector('#sensor-depth')
        yield Page(tab)
        browser.close()
    server.shutdown()
    server.server_close()
    assert requests and all(url.startswith((address, 'data:')) for url in requests)
    assert not errors


def python_labels(model, images, names, monkeypatch):
    """Label maps of all samples in Python, and which pixels are no ties."""
    logits, run = [], OnnxSegmentor._labels

    def keep(self, output):
        logits.append(output)
        return run(self, output)

    monkeypatch.setattr(OnnxSegmentor, '_labels', keep)
    segment = MultimodalInferencer(model, show_progress=False)
    maps = segment({name: images / name for name in names})
    monkeypatch.undo()
    sources = ('ensemble', *NAMES)
    clear = {}
    for i, sample in enumerate(maps):
        for source, output in zip(sources, logits[i * len(sources) :]):
            second, first = np.sort(output[0], axis=0)[-2:]
            clear[sample, source] = first - second > TIE
    return maps, clear


def test_labels_equal_those_of_python(page, model, images, monkeypatch):
    expected, clear = python_labels(model, images, NAMES, monkeypatch)
    seen = set()
    for sample in sorted(expected):
        page.drop(**{name: images / name / f'{sample}.png' for name in NAMES})
        assert page.answer().startswith('Predicted 64 x 48 pixels in ')
        for source, labels in expected[sample].items():
            sure = clear[sample, source]
            assert sure.mean() > 0.99
            np.testing.assert_array_equal(page.labels(source)[sure], labels[sure])
            seen |= {*np.unique(labels)}
    assert len(expected) == COUNT and seen == {*range(5)}


def test_a_sensor_that_is_taken_away(page, model, images, monkeypatch):
    expected, clear = python_labels(model, images, ('rgb', 'thermal'), monkeypatch)
    page.drop(**{name: images / name / '03.png' for name in NAMES})
    page.switch(depth='taken away')
    page.answer()
    for source in ('ensemble', 'rgb', 'thermal'):
        sure = clear['03', source]
        np.testing.assert_array_equal(page.labels(source)[sure], expected['03'][source][sure])
    assert 'depth is taken away.' in page.tab.inner_text('#seg_logits_depth')
    page.switch(rgb='taken away', thermal='taken away')
    assert page.answer() == 'All sensors are taken away. Leave at least one.'
    assert not page.tab.is_visible('#results')


def test_noise_opacity_legend_and_probabilities(page, model, images):
    tab = page.tab
    paths = {name: images / name / '05.png' for name in NAMES}
    page.drop(**paths)
    page.answer()
    clean = page.labels('depth')
    page.switch(depth='with noise')
    page.answer()
    noisy = page.labels('depth')
    page.switch(depth='as it is')
    page.answer()
    assert (clean != noisy).any()
    np.testing.assert_array_equal(page.labels('depth'), clean)

    tab.fill('#opacity input', '30')
    assert tab.evaluate("getComputedStyle(document.querySelector('.labels')).opacity") == '0.3'

    shares = np.bincount(page.labels('ensemble').ravel(), minlength=5) / clean.size
    legend = [line.split('\n') for line in tab.locator('#legend li').all_inner_texts()]
    assert legend == [[n, f'{100 * share:.1f} %'] for n, share in zip(CLASSES, shares)]

    box = tab.locator('#seg_logits .map').bounding_box()
    place = [(part + 0.5) * box['width'] / SIZE[1] for part in (10, 20)]  # x, y
    tab.locator('#seg_logits .map').hover(position=dict(zip('xy', place)))
    assert tab.inner_text('#pixel') == 'probabilities at pixel (10, 20)'
    segmentor = OnnxSegmentor(model)
    files = {name: str(path) for name, path in paths.items()}
    data = dict(modality_paths=files, descriptions=segmentor.descriptions, seg_fields=[])
    planes = np.split(segmentor.pipeline(data)['inputs'][None], [3, 4], axis=1)
    logits = segmentor.session.run(None, dict(zip(NAMES, planes)))
    for source, output in zip(('', '_rgb', '_depth', '_thermal'), logits):
        powers = np.exp(output[0, :, 20, 10] - output[0, :, 20, 10].max())
        chances = 100 * powers / powers.sum()
        shown = tab.locator(f'#seg_logits{source} .chances li').all_inner_texts()
        names, values = zip(*(line.split('\n') for line in shown))
        best = np.argsort(-chances)[:3]
        assert float(values[0].split()[0]) == pytest.approx(chances[best[0]], abs=0.11)
        assert names[0] == CLASSES[best[0]] and len(names) == 3


@pytest.mark.parametrize(('width', 'scheme'), [(400, 'light'), (1280, 'dark')])
def test_look(page, images, tmp_path, width, scheme):
    page.tab.set_viewport_size(dict(width=width, height=900))
    page.tab.emulate_media(color_scheme=scheme)
    page.drop(**{name: images / name / '01.png' for name in NAMES})
    page.answer()
    assert page.tab.evaluate('document.documentElement.scrollWidth') == width
    page.tab.screenshot(path=tmp_path / 'page.png')
    picture = cv2.imread(str(tmp_path / 'page.png'))
    assert picture.shape[1] == width and len(np.unique(picture.reshape(-1, 3), axis=0)) > 200
    assert (picture[0, 0].mean() > 128) == (scheme == 'light')


def wrong_files(folder):
    """What is wrong -> the files to drop, and the sentence."""
    gray, color = np.full(SIZE, 90, np.uint8), np.full((*SIZE, 3), 90, np.uint8)

    def write(name, image):
        cv2.imwrite(str(folder / name), image)
        return folder / name

    def store(name, content):
        (folder / name).write_bytes(content)
        return folder / name

    png = cv2.imencode('.png', gray.astype(np.uint16) * 30)[1].tobytes()
    jpeg = cv2.imencode('.jpg', color)[1].tobytes()
    interlaced = png[:28] + b'\1' + png[29:]
    broken = png[:45] + bytes(8) + png[53:]
    printed = io.BytesIO()
    Image.new('CMYK', (8, 8)).save(printed, 'JPEG')
    size = np.full((240, 320), 900, np.uint16)
    neither = 'this page reads PNG and JPEG files, and this is neither.'
    return [
        (dict(depth=write('big.png', size)),
         'depth: expected an image of 64 x 48 pixels, as of rgb; this one has 320 x 240.'),
        (dict(depth=write('a.png', gray)),
         'depth (a.png): expected 16 bits per value, as the files of the training; this has 8.'),
        (dict(depth=write('b.png', color.astype(np.uint16))),
         'depth (b.png): expected a gray image; this is a color image.'),
        (dict(rgb=write('c.png', gray)),
         'rgb (c.png): expected a color image; this is a gray image.'),
        (dict(depth=write('d.tif', size)), f'depth (d.tif): {neither}'),
        (dict(depth=store('e.txt', b'hello')), f'depth (e.txt): {neither}'),
        (dict(depth=store('f.png', b'')), f'depth (f.png): {neither}'),
        (dict(depth=store('g.png', png[:-20])), 'depth (g.png): the file is cut off.'),
        (dict(depth=store('h.png', png[:8] + chunk(b'IEND', b''))),
         'depth (h.png): the file is cut off.'),
        (dict(depth=store('i.png', broken)),
         'depth (i.png): the file is damaged: it cannot be unpacked.'),
        (dict(depth=store('j.png', interlaced)),
         'depth (j.png): this PNG is interlaced. Save it without interlacing.'),
        (dict(rgb=store('k.jpg', jpeg[:-20])), 'rgb (k.jpg): the file is cut off.'),
        (dict(rgb=store('l.jpg', jpeg[:9])), 'rgb (l.jpg): the file is damaged or cut off.'),
        (dict(rgb=store('m.jpg', printed.getvalue())),
         'rgb (m.jpg): this JPEG is made for printing (CMYK). Save it as RGB.'),
        (dict(depth=write('n.png', np.zeros(SIZE, np.uint16))),
         'depth (n.png): this image has no reading: all pixels are missing. Take depth away '
         'instead.'),
    ]  # fmt: skip


def test_sentences(page, images, tmp_path):
    """A wrong file takes the predictions away, and a right one brings them back."""
    right = {name: images / name / '01.png' for name in NAMES}
    page.drop(**right)
    for files, sentence in wrong_files(tmp_path):
        assert page.answer().startswith('Predicted ')
        page.drop(**files)
        assert page.answer() == sentence
        assert not page.tab.is_visible('#results')
        page.drop(**{name: right[name] for name in files})
    page.tab.reload()
    page.tab.wait_for_selector('#sensor-depth')
    waits = (
        'Waiting for an image of rgb and depth. A sensor that you do not have can be taken away.'
    )
    page.drop(thermal=right['thermal'])
    assert page.answer() == waits
    page.switch(rgb='taken away', depth='taken away')
    assert page.answer().startswith('Predicted ')


def test_dropped_files(page, images):
    page.drop(**{name: images / name / '01.png' for name in NAMES})
    content = base64.b64encode((images / 'depth' / '02.png').read_bytes()).decode()
    make = """([text, count]) => {
        const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        const dropped = new DataTransfer();
        for (let i = 0; i < count; i++) dropped.items.add(new File([bytes], `${i}.png`));
        return dropped;
    }"""
    for count, answer in (
        (1, 'Predicted 64 x 48'),
        (2, 'depth (0.png): expected one image, got 2 files.'),
        (0, 'depth: expected one image, got 0 files.'),
        (1, 'Predicted 64 x 48'),
    ):
        page.answer()
        dropped = page.tab.evaluate_handle(make, [content, count])
        page.tab.dispatch_event('#sensor-depth .drop', 'drop', dict(dataTransfer=dropped))
        assert page.answer().startswith(answer)


def chunk(kind, content):
    mark = struct.pack('>I', zlib.crc32(kind + content))
    return struct.pack('>I', len(content)) + kind + content + mark


def filtered_png(image):
    """Write a PNG with each of the five filters in turn, in two pieces."""
    height, width, channels = image.shape
    step = channels * image.itemsize
    rows = image.astype(image.dtype.newbyteorder('>')).reshape(height, -1).view(np.uint8)
    rows, above = rows.astype(int), np.zeros(width * step, int)
    packed = b''
    for y, row in enumerate(rows):
        left, corner = (np.r_[np.zeros(step, int), part[:-step]] for part in (row, above))
        far = [np.abs(left + above - corner - part) for part in (left, above, corner)]
        paeth = np.choose(np.argmin(far, axis=0), [left, above, corner])  # the first of equals
        guess = [0, left, above, (left + above) // 2, paeth][y % 5]
        packed += bytes([y % 5]) + ((row - guess) % 256).astype(np.uint8).tobytes()
        above = row
    packed = zlib.compress(packed)
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack('>IIBBBBB', width, height, 8 * image.itemsize, kind, 0, 0, 0)
    parts = [(b'IHDR', header), (b'IDAT', packed[:50]), (b'IDAT', packed[50:]), (b'IEND', b'')]
    return b'\x89PNG\r\n\x1a\n' + b''.join(chunk(*part) for part in parts)


def saved(picture, kind, **options):
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def good_files():
    """Kind -> a file, and its number of channels without alpha."""
    rng = np.random.default_rng(0)
    rgb = cv2.resize(rng.integers(0, 256, (5, 6, 3)).astype(np.uint8), (61, 47))
    alpha = rng.integers(0, 256, (47, 61, 1)).astype(np.uint8)
    deep = rgb.astype(np.uint16) * 211 + alpha
    picture, turned = Image.fromarray(rgb), Image.Exif()
    turned[274] = 6
    gray = picture.convert('L')
    return {
        'filters': (filtered_png(rgb), 3),
        'filters, 16 bits': (filtered_png(deep[..., :1]), 1),
        'filters, 16-bit color': (filtered_png(deep), 3),
        'filters, alpha': (filtered_png(np.dstack([rgb, alpha])), 3),
        'gray with alpha': (filtered_png(np.dstack([rgb[..., :1], alpha])), 1),
        'palette of 4 bits': (saved(picture.quantize(13), 'PNG'), 3),
        'palette of 8 bits': (saved(picture.quantize(200), 'PNG'), 3),
        '1 bit': (saved(gray.convert('1'), 'PNG'), 1),
        'JPEG': (saved(picture, 'JPEG', quality=90, subsampling=0), 3),
        'JPEG, progressive': (saved(picture, 'JPEG', progressive=True), 3),
        'JPEG, gray': (saved(gray, 'JPEG'), 1),
        'JPEG, turned by EXIF': (saved(picture, 'JPEG', exif=turned), 3),
    }


def test_values_of_files_equal_those_of_python(page):
    for kind, (content, channels) in good_files().items():
        image = page.tab.evaluate(
            """async (text) => {
                const { readImage } = await import('./page.js');
                const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
                const image = await readImage(new File([bytes], 'name'));
                return { ...image, values: image.values.join(' ') };
            }""",
            base64.b64encode(content).decode(),
        )
        found = np.array(image['values'].split(), int).reshape(image['height'], image['width'], -1)
        expected = decode_raster(kind, content, channels).image
        assert image['bits'] == 8 * expected.itemsize, kind
        expected = np.atleast_3d(expected)
        expected = expected[..., ::-1] if channels == 3 else expected
        np.testing.assert_array_equal(found[..., :channels], expected, err_msg=kind)


def test_written_files(tools, model, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr('mmamf.deployment.export_web.read_runtime', lambda: {'ort.mjs': b'run'})
    out = tmp_path / 'page'
    tools['export_web'].main([str(model), str(out)])
    assert f'python -m http.server --bind 127.0.0.1 --directory {out}' in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {*WRITTEN, 'ort.mjs'}
    assert json.loads((out / 'model.json').read_text())['classes'] == [*CLASSES]
    assert (out / 'model.onnx').read_bytes() == model.read_bytes()
    tools['export_web'].main([str(model), str(out)])  # an earlier page is replaced
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'mine.txt').write_text('mine')
    for place, message in (('other', 'got one with other files'), ('other/mine.txt', 'got a file')):
        with pytest.raises(SystemExit, match=f'error: .*{place}: expected .* {message}'):
            tools['export_web'].main([str(model), str(tmp_path / place)])


def changed(model, path, **about):
    """Write a copy of the model with another description, or with label maps."""
    graph = onnx.load(str(model))
    for entry in graph.metadata_props:
        if entry.key == 'mmamf':
            entry.value = json.dumps({**json.loads(entry.value), **about})
        elif about.get('holes') is False:
            entry.value = ''
    if about.get('outputs') == ['pred_sem_seg']:
        cast = onnx.helper.make_node(
            'Cast', ['seg_logits'], about['outputs'], to=onnx.TensorProto.UINT8
        )
        graph.graph.node.append(cast)
        del graph.graph.output[1:]
        graph.graph.output[0].name = 'pred_sem_seg'
        graph.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    onnx.save(graph, str(path))
    return path


@pytest.mark.parametrize(
    ('about', 'message'),
    [
        (dict(preprocessing=False), 'expected a model with its preprocessing inside'),
        (dict(outputs=['pred_sem_seg']), 'the logits, got .*uint8.* again without --labels'),
        (dict(holes=False), 'expected inputs of float32 in which NaN means a missing reading'),
        (
            dict(modalities=[dict(MODALITIES[0], dtype='float32')]),
            "modality 'rgb': expected dtype='uint8' or 'uint16', because the page reads PNG and",
        ),
        (
            dict(modalities=[dict(MODALITIES[0], channels=5)]),
            "modality 'rgb': expected at most 4 channels in a file, which PNG holds, got 5",
        ),
    ],
)
def test_models_that_the_page_cannot_run(tools, model, tmp_path, about, message):
    path = changed(model, tmp_path / 'model.onnx', **about)
    with pytest.raises(SystemExit, match=f'error: .*{message}'):
        tools['export_web'].main([str(path), str(tmp_path / 'page')])
    assert not (tmp_path / 'page').exists()


def test_files_that_are_no_model(tools, tmp_path):
    for content, message in ((None, 'there is no such ONNX file'), (b'x', 'cannot load it')):
        path = tmp_path / 'model.onnx'
        if content:
            path.write_bytes(content)
        with pytest.raises(SystemExit, match=f'error: .*model.onnx: .*{message}'):
            tools['export_web'].main([str(path), str(tmp_path / 'page')])


def fake_npm(folder, script):
    folder.mkdir()
    npm = folder / 'npm'
    npm.write_text(f'#!/bin/sh\n{script}\n')
    npm.chmod(0o755)


@pytest.mark.parametrize(
    ('script', 'message'),
    [
        (None, 'npm, which downloads it, is not there: install npm, or run `npm pack onnxruntime-'),
        ('echo no network >&2; exit 1', r'npm cannot download .* \(no network\): try again'),
        ('echo other > "$6/onnxruntime-web-1.23.2.tgz"', 'with the SHA-512 .* remove the file'),
    ],
)
def test_a_runtime_that_cannot_be_downloaded(tmp_path, monkeypatch, script, message):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.setenv('PATH', str(tmp_path / 'bin'), prepend=':' if script else None)
    if script:
        fake_npm(tmp_path / 'bin', script)
    with pytest.raises(ValueError, match=message):
        onnxruntime_web.read_runtime()
