// The arithmetic behind every number of the network, repeated in double precision from the values that the engine used.
"use strict";
const explorer = (() => {
  const data = JSON.parse(document.getElementById("explorer-data").textContent);
  const bytes = text => {
    const letters = atob(text), made = new Uint8Array(letters.length);
    for (let i = 0; i < made.length; i++) made[i] = letters.charCodeAt(i);
    return made;
  };
  // Floats as the page was written with: see ExplorerData.Packed. With expected values, their bits are added.
  async function floats(text, expected) {
    const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const planes = new Uint8Array(await new Response(stream).arrayBuffer()), count = planes.length / 4;
    const made = expected ?? new Float32Array(count), bits = new Int32Array(made.buffer);
    for (let i = 0; i < count; i++) {
      const folded = planes[i] | planes[count + i] << 8 | planes[2 * count + i] << 16 | planes[3 * count + i] << 24;
      bits[i] += (folded >>> 1) ^ -(folded & 1);
    }
    return made;
  }

  const values = (image, output) => output < 0 ? data.images[image].values : data.images[image].outputs[output];
  const canDraw = stage => stage.included;
  const canCompute = (stage, image) => stage.included && !!values(image, stage.input);
  const channelsOf = stage => stage.channels ?? Array.from({ length: stage.shape.at(-1) }, (_, i) => i);
  const sizes = shape => shape.length === 3 ? shape : [1, 1, shape[0]];

  // One number: its terms (what went in, times what), what is added, the sum, and what the engine computed.
  // Terms are { row, column, channel, x, w, inside }; in a maximum or mean there is no w.
  function compute(image, stage, channel, row, column) {
    const [height, width, count] = sizes(stage.from), [, outWidth, outCount] = sizes(stage.shape);
    const input = values(image, stage.input), output = values(image, stage.output);
    const engine = output[(row * outWidth + column) * outCount + channel];
    const place = stage.channels ? stage.channels.indexOf(channel) : -1;
    const { kernels, biases } = stage;
    const bias = biases ? biases[place] : 0;
    const terms = [];
    let sum = bias;
    if (stage.kind === "conv2d") {
      const [kh, kw, stride, top, left] = stage.window;
      for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++) {
        const y = row * stride + i - top, x = column * stride + j - left, inside = y >= 0 && x >= 0 && y < height && x < width;
        for (let c = 0; c < count; c++) {
          const w = kernels[((place * kh + i) * kw + j) * count + c], v = inside ? input[(y * width + x) * count + c] : 0;
          terms.push({ row: i, column: j, channel: c, x: v, w, inside });
          sum += v * w;
        }
      }
    } else if (stage.kind === "dense") {
      for (let i = 0; i < input.length; i++) {
        const w = kernels[place * input.length + i];
        terms.push({ row: 0, column: 0, channel: i, x: input[i], w, inside: true });
        sum += input[i] * w;
      }
    } else if (stage.kind === "batch_normalization") {
      const x = input[(row * width + column) * count + channel], w = kernels[place];
      terms.push({ row: 0, column: 0, channel, x, w, inside: true });
      sum += x * w;
    } else if (stage.kind === "max_pool2d") {
      const [kh, kw, stride] = stage.window;
      sum = -Infinity;
      for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++) {
        const x = input[((row * stride + i) * width + column * stride + j) * count + channel];
        terms.push({ row: i, column: j, channel, x, inside: true });
        sum = Math.max(sum, x);
      }
    } else if (stage.kind === "global_average_pool") {
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
        const v = input[(y * width + x) * count + channel];
        terms.push({ row: y, column: x, channel, x: v, inside: true });
        sum += v;
      }
      sum /= height * width;
    } else {
      const x = input[(row * width + column) * count + channel];
      terms.push({ row: 0, column: 0, channel, x, inside: true });
      if (stage.function === "relu") sum = Math.max(0, x);
      else if (stage.function === "sigmoid") sum = 1 / (1 + Math.exp(-x));
      else {
        const largest = input.reduce((a, b) => Math.max(a, b));
        sum = Math.exp(x - largest) / input.reduce((a, b) => a + Math.exp(b - largest), 0);
      }
    }
    const result = stage.relu ? Math.max(0, sum) : sum;
    return { terms, bias, sum, result, engine, difference: Math.abs(result - engine) };
  }

  // All numbers of a stage at once, as compute has each, rounded to single precision: RepeatedArithmetic in the same order.
  function repeat(stage, input) {
    const [height, width, channels] = sizes(stage.from), [rows, columns, count] = sizes(stage.shape), { kernels, biases, relu } = stage;
    const output = new Float32Array(rows * columns * count), rounded = sum => relu ? Math.max(0, sum) : sum;
    if (stage.kind === "global_average_pool" || stage.kind === "dense") {
      for (let k = 0; k < count; k++) {
        let sum = biases ? biases[k] : 0;
        if (biases) for (let i = 0; i < input.length; i++) sum += input[i] * kernels[k * input.length + i];
        else {
          for (let i = k; i < input.length; i += count) sum += input[i];
          sum /= height * width;
        }
        output[k] = rounded(sum);
      }
      return output;
    }
    const [kh, kw, stride, top, left] = stage.window, pooled = stage.kind === "max_pool2d";
    for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) for (let k = 0; k < count; k++) {
      let sum = pooled ? -Infinity : biases[k];
      for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++) {
        const y = row * stride + i - top, x = column * stride + j - left;
        if (y < 0 || x < 0 || y >= height || x >= width) continue;
        const v = (y * width + x) * channels, w = ((k * kh + i) * kw + j) * channels;
        if (pooled) sum = Math.max(sum, input[v + k]);
        else for (let c = 0; c < channels; c++) sum += input[v + c] * kernels[w + c];
      }
      output[(row * columns + column) * count + k] = rounded(sum);
    }
    return output;
  }

  // Text becomes numbers, in place. Between two stages the browser may do something else.
  async function unpack() {
    for (const stage of data.stages) {
      if (!stage.kernels) continue;
      stage.kernels = await floats(stage.kernels);
      stage.biases = await floats(stage.biases);
    }
    for (const image of data.images) {
      image.values = await floats(image.values);
      for (const { repeated, included, input, output, ...stage } of data.stages) {
        if (!included) continue;
        const expected = repeated ? repeat(stage, input < 0 ? image.values : image.outputs[input]) : undefined;
        image.outputs[output] = await floats(image.outputs[output], expected);
      }
    }
  }

  // ------------------------------------------------------------------ the page
  const at = id => document.getElementById(id);
  const state = { image: 0, stage: null, channel: 0, row: 0, column: 0, from: 0 };
  const number = v => Number.isInteger(v) && Math.abs(v) < 1e6 ? String(v) : Math.abs(v) >= 1e-4 && Math.abs(v) < 1e6 ? v.toPrecision(7) : v.toExponential(5);
  const short = v => v === 0 ? "0" : Math.abs(v) >= 1e-3 && Math.abs(v) < 1e4 ? v.toPrecision(3) : v.toExponential(1);
  const element = (name, text, kind) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };

  const paint = (picture, i, gray) => {
    picture.data[4 * i] = picture.data[4 * i + 1] = picture.data[4 * i + 2] = gray;
    picture.data[4 * i + 3] = 255;
  };

  function range(output, channel, count) {
    let low = Infinity, high = -Infinity;
    for (let i = channel; i < output.length; i += count) { low = Math.min(low, output[i]); high = Math.max(high, output[i]); }
    return [low, high];
  }

  function drawChannel(canvas, image, stage, channel) {
    const [height, width, count] = sizes(stage.shape), output = values(image, stage.output), [low, high] = range(output, channel, count);
    canvas.width = width; canvas.height = height;
    const context = canvas.getContext("2d"), picture = context.createImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      const gray = high > low ? Math.round((output[i * count + channel] - low) / (high - low) * 255) : 0;
      paint(picture, i, gray);
    }
    context.putImageData(picture, 0, 0);
    return [low, high];
  }

  function drawImage() {
    const [height, width] = data.input, gray = bytes(data.images[state.image].gray), canvas = at("explorer-image");
    const zoom = Math.max(1, Math.round(480 / width));
    canvas.width = width * zoom; canvas.height = height * zoom;
    const small = document.createElement("canvas");
    small.width = width; small.height = height;
    const context = small.getContext("2d"), picture = context.createImageData(width, height);
    for (let i = 0; i < gray.length; i++) paint(picture, i, gray[i]);
    context.putImageData(picture, 0, 0);
    const onto = canvas.getContext("2d");
    onto.imageSmoothingEnabled = false;
    onto.drawImage(small, 0, 0, width * zoom, height * zoom);
    const field = receptiveField(state.stage, state.row, state.column);
    onto.lineWidth = 3;
    onto.strokeStyle = "#ff9d2e";
    onto.strokeRect(field.left * zoom, field.top * zoom, (field.right - field.left) * zoom, (field.bottom - field.top) * zoom);
    at("explorer-field").textContent = field.whole
      ? "Each unit of this layer sees the whole image."
      : `This unit sees rows ${field.top} to ${field.bottom - 1}, columns ${field.left} to ${field.right - 1} of the image.`;
  }

  function receptiveField(stage, row, column) {
    const [height, width] = data.input;
    if (!stage.field) return { top: 0, left: 0, bottom: height, right: width, whole: true };
    const [firstRow, rowStep, rows, lastRow, firstColumn, columnStep, columns, lastColumn] = stage.field, within = (v, most) => Math.min(Math.max(v, 0), most);
    const top = firstRow + row * rowStep, left = firstColumn + column * columnStep;
    return { top: within(top, height), bottom: within(top + rows, lastRow), left: within(left, width), right: within(left + columns, lastColumn), whole: false };
  }

  function drawChannels() {
    const list = at("explorer-channels"), [height, width] = sizes(state.stage.shape);
    list.replaceChildren();
    list.hidden = height * width === 1;
    if (list.hidden) return;
    for (const channel of channelsOf(state.stage)) {
      const button = element("button"), canvas = element("canvas");
      button.type = "button";
      button.title = `channel ${channel}`;
      button.setAttribute("aria-label", `channel ${channel}`);
      button.dataset.channel = channel;
      drawChannel(canvas, state.image, state.stage, channel);
      button.append(canvas);
      button.onclick = () => { state.channel = channel; strongest(); show(); };
      list.append(button);
    }
  }

  // Where the channel is largest: a place with something to see.
  function strongest() {
    const [height, width, count] = sizes(state.stage.shape), output = values(state.image, state.stage.output);
    let best = 0;
    for (let i = 1; i < height * width; i++) if (output[i * count + state.channel] > output[best * count + state.channel]) best = i;
    state.row = Math.floor(best / width); state.column = best % width; state.from = -1;
  }

  function grid(title, size, cells, mark) {
    const figure = element("figure", undefined, "grid"), table = element("table");
    figure.append(element("figcaption", title));
    for (let i = 0; i < size[0]; i++) {
      const line = element("tr");
      for (let j = 0; j < size[1]; j++) {
        const cell = element("td", short(cells[i * size[1] + j].value), cells[i * size[1] + j].inside === false ? "padding" : mark === i * size[1] + j ? "largest" : "");
        cell.title = number(cells[i * size[1] + j].value);
        line.append(cell);
      }
      table.append(line);
    }
    figure.append(table);
    return figure;
  }

  function showTerms(unit) {
    const { stage } = state, box = at("explorer-terms"), list = at("explorer-inputs");
    box.replaceChildren(); list.replaceChildren();
    const byChannel = new Map();
    for (const term of unit.terms) {
      if (!byChannel.has(term.channel)) byChannel.set(term.channel, []);
      byChannel.get(term.channel).push(term);
    }
    if (stage.kind === "max_pool2d") {
      const best = unit.terms.findIndex(t => t.x === unit.sum);
      box.append(grid("the window, its largest value marked", stage.window, unit.terms.map(t => ({ value: t.x })), best));
      return;
    }
    if (stage.kind === "global_average_pool") {
      box.append(element("p", `The mean of ${unit.terms.length} values: ${number(unit.terms.reduce((a, t) => a + t.x, 0))} / ${unit.terms.length}.`));
      return;
    }
    if (stage.kind === "activation") {
      box.append(element("p", `${stage.function} of ${number(unit.terms[0].x)}.`));
      return;
    }
    const sums = [...byChannel].map(([channel, terms]) => ({ channel, terms, sum: terms.reduce((a, t) => a + t.x * t.w, 0) }))
      .sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
    if (!byChannel.has(state.from)) state.from = sums[0].channel;
    const chosen = sums.find(s => s.channel === state.from), convolution = stage.kind === "conv2d";
    if (convolution) {
      box.append(grid(`patch of channel ${chosen.channel}`, stage.window, chosen.terms.map(t => ({ value: t.x, inside: t.inside }))), element("span", "×", "sign"),
        grid("kernel", stage.window, chosen.terms.map(t => ({ value: t.w }))), element("span", "=", "sign"),
        grid(`products, together ${short(chosen.sum)}`, stage.window, chosen.terms.map(t => ({ value: t.x * t.w, inside: t.inside }))));
    }
    const table = element("table"), head = element("tr"), most = 12;
    for (const title of convolution ? ["input channel", "Σ patch × kernel"] : ["input", "value", "weight", "product"]) head.append(element("th", title));
    table.append(head);
    for (const one of sums.slice(0, most)) {
      const line = element("tr", undefined, one.channel === chosen.channel ? "chosen" : "");
      if (convolution) {
        const button = element("button", `channel ${one.channel}`, "plain"), name = element("td");
        button.type = "button";
        button.onclick = () => { state.from = one.channel; show(); };
        name.append(button);
        line.append(name, element("td", number(one.sum)));
      } else {
        line.append(element("td", `${one.channel}`), element("td", number(one.terms[0].x)), element("td", number(one.terms[0].w)), element("td", number(one.sum)));
      }
      table.append(line);
    }
    if (sums.length > most) {
      const line = element("tr"), rest = sums.slice(most).reduce((a, s) => a + s.sum, 0);
      line.append(element("td", `the other ${sums.length - most}`));
      if (!convolution) line.append(element("td"), element("td"));
      line.append(element("td", number(rest)));
      table.append(line);
    }
    list.append(table);
  }

  function show() {
    const { stage } = state, [height, width] = sizes(stage.shape);
    at("explorer-channel").value = state.channel;
    for (const [id, value, size] of [["explorer-row", state.row, height], ["explorer-column", state.column, width]]) {
      at(id).value = value; at(id).max = size - 1; at(id).disabled = size === 1;
    }
    for (const button of at("explorer-channels").children) button.setAttribute("aria-pressed", Number(button.dataset.channel) === state.channel);
    const canvas = at("explorer-map"), flat = height * width === 1;
    at("explorer-map-figure").hidden = flat;
    if (!flat) {
      const small = document.createElement("canvas"), [low, high] = drawChannel(small, state.image, stage, state.channel), zoom = Math.max(1, Math.round(480 / width));
      canvas.width = width * zoom; canvas.height = height * zoom;
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, canvas.width, canvas.height);
      context.strokeStyle = "#ff9d2e";
      context.lineWidth = 3;
      context.strokeRect(state.column * zoom - 1, state.row * zoom - 1, zoom + 2, zoom + 2);
      at("explorer-range").textContent = `${stage.name}, channel ${state.channel}: black ${short(low)}, white ${short(high)}. Click a position.`;
    }
    drawImage();
    const computable = canCompute(stage, state.image);
    at("explorer-arithmetic").hidden = !computable;
    at("explorer-missing").hidden = computable;
    if (!computable) return;
    const unit = compute(state.image, stage, state.channel, state.row, state.column);
    showTerms(unit);
    const weighted = stage.kernels !== undefined;
    at("explorer-formula").textContent = weighted
      ? `${number(unit.sum - unit.bias)} + bias ${number(unit.bias)} = ${number(unit.sum)}${stage.relu ? `, and max(0, …) makes it ${number(unit.result)}` : ""}`
      : number(unit.result);
    at("explorer-folded").hidden = !stage.folded;
    at("explorer-folded").textContent = stage.folded
      ? `Kernel and bias are those of ${stage.layer} with ${stage.name} folded in, as the engine computes a prediction: kernel · γ/√(σ² + ε), bias β − μ · γ/√(σ² + ε).` : "";
    at("explorer-sum").textContent = number(unit.result);
    at("explorer-engine").textContent = number(unit.engine);
    at("explorer-difference").textContent = unit.difference.toExponential(1);
  }

  function chooseStage(index) {
    state.stage = data.stages[index];
    const channels = channelsOf(state.stage), select = at("explorer-channel");
    select.replaceChildren(...channels.map(c => { const option = element("option", c); option.value = c; return option; }));
    const total = state.stage.shape.at(-1);
    at("explorer-count").textContent = channels.length < total ? `${channels.length} of ${total} channels, the strongest; explain --all embeds every one.` : "";
    // The channel with the largest value.
    const output = values(state.image, state.stage.output);
    let best = channels[0], high = -Infinity;
    for (const c of channels) { const [, most] = range(output, c, total); if (most > high) { high = most; best = c; } }
    state.channel = best;
    drawChannels(); strongest(); show();
  }

  async function start() {
    if (typeof DecompressionStream === "undefined") {
      at("explorer-wait").textContent = "This part needs a browser of the year 2023 or later. The activations are also PNG files beside this page.";
      return;
    }
    await unpack();
    at("explorer-wait").hidden = true;
    at("explorer-body").hidden = false;
    const images = at("explorer-image-choice"), layers = at("explorer-layer");
    data.images.forEach((image, i) => { const option = element("option", image.name); option.value = i; images.append(option); });
    images.parentElement.hidden = data.images.length === 1;
    data.stages.forEach((stage, i) => {
      const option = element("option", `${stage.name} · ${stage.shape.join("×")}${canDraw(stage) ? "" : " · not embedded, see --all"}`);
      option.value = i; option.disabled = !canDraw(stage);
      layers.append(option);
    });
    images.onchange = () => { state.image = Number(images.value); chooseStage(Number(layers.value)); };
    layers.onchange = () => chooseStage(Number(layers.value));
    at("explorer-channel").onchange = event => { state.channel = Number(event.target.value); strongest(); show(); };
    for (const [id, key] of [["explorer-row", "row"], ["explorer-column", "column"]])
      at(id).onchange = event => { state[key] = Math.min(Math.max(0, Math.round(Number(event.target.value))), Number(event.target.max)); state.from = -1; show(); };
    at("explorer-map").onclick = event => {
      const canvas = event.currentTarget, box = canvas.getBoundingClientRect(), [height, width] = sizes(state.stage.shape);
      state.row = Math.min(height - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * height)));
      state.column = Math.min(width - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * width)));
      state.from = -1;
      show();
    };
    const computable = data.stages.findIndex(stage => canCompute(stage, 0)), first = computable >= 0 ? computable : data.stages.findIndex(canDraw);
    at("explorer").hidden = first < 0;
    if (first < 0) return;
    layers.value = first;
    chooseStage(first);
  }

  // Fulfilled when all numbers are there and the first layer is shown.
  const ready = start();
  return { ready, data, compute, canCompute, channelsOf, sizes, receptiveField, values };
})();
