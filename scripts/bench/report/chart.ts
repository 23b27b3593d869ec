import { init } from 'echarts';
import { metricsOf, OURS, type Results, ratio, summarize } from '../results.ts';

const WIDTH = 1000; // pixels
const BAR = 13; // pixels
const GAP = 10; // pixels between metrics
const MARGINS = { left: 250, right: 70, top: 120, bottom: 40 }; // pixels

/** What the number beside a bar needs, as if it were a ratio: its power of 2. */
const LABEL = 0.5;

/** One hue for each, told apart also by those who see fewer. */
const COLOURS = ['#0072b2', '#56b4e9', '#009e73', '#999999'];

/** The tables have these as well. */
const LEFT_OUT = /, (?:1|64) at once$/;

interface Bar {
  value: number; // log2 of the ratio
}

/** How many times faster Edgewater is than each other, to either side of 1. */
export function toChart(results: Results): string {
  const others = Object.keys(results.versions).filter((name) => name !== OURS);
  const metrics = metricsOf(results)
    .filter((metric) => !LEFT_OUT.test(metric))
    .filter((metric) => others.some((name) => ratio(results, metric, name) !== null));
  const height = MARGINS.top + MARGINS.bottom + metrics.length * (others.length * BAR + GAP);
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: {
      text: 'Edgewater’s speed by that of others',
      subtext: 'right of 1×: Edgewater is faster. Requests with 16 at once',
      left: 'center',
    },
    legend: { top: 62, itemGap: 40, itemWidth: 14 },
    grid: MARGINS,
    // Bars begin at 0, which is the logarithm of "as fast".
    xAxis: {
      type: 'value',
      interval: 1,
      min: ({ min }: { min: number }) => Math.floor(min - LABEL),
      max: ({ max }: { max: number }) => Math.ceil(max + LABEL),
      position: 'top',
      axisLabel: {
        formatter: (power: number) => (power < 0 ? `1/${2 ** -power}×` : `${2 ** power}×`),
      },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: metrics,
      axisTick: { show: false },
      axisLabel: { interval: 0, color: '#222222' },
      axisLine: { onZero: false },
    },
    series: others.map((name, at) => ({
      name: `to ${name}`,
      type: 'bar',
      barWidth: BAR - 2,
      barGap: '15%',
      data: metrics.map((metric) => toBar(results, metric, name)),
      itemStyle: { color: COLOURS[at % COLOURS.length] },
      label: { show: true, fontSize: 10, formatter: ({ value }: Bar) => `${format(value)}×` },
      markLine: {
        silent: true,
        symbol: 'none',
        label: { show: false },
        lineStyle: { color: '#222222', type: 'solid', width: 1 },
        data: [{ xAxis: 0 }],
      },
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** The label stands outside, on the side to which the bar points. */
function toBar(results: Results, metric: string, against: string) {
  const found = ratio(results, metric, against);
  if (found === null) {
    return '-'; // what echarts takes for nothing
  }
  const isTime = summarize(results, metric, OURS)?.unit === 'ms';
  const value = Math.log2(isTime ? 1 / found : found);
  return { value, label: { position: value < 0 ? 'left' : 'right' } };
}

function format(power: number): string {
  const value = 2 ** power;
  return value >= 10 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}
