namespace Convolve.Pneumonia.Reports;

/// <summary>How a report looks: one column of text, light or dark as the reader's system is, and light on paper.</summary>
internal static class ReportStyle
{
    private const string Light = "--paper:#fff;--card:#f5f7fa;--ink:#1b1f24;--soft:#57606b;--rule:#d9dee4;--one:#0b66c3;--two:#b8400b;--three:#0f7a4d;--bar:#d3e4f6;--good:#ddf0e2;--bad:#fae0da";
    private const string Dark = "--paper:#14171a;--card:#1d2227;--ink:#e8eaed;--soft:#a3adb8;--rule:#343b43;--one:#6cb2f7;--two:#ff9d66;--three:#5fd0a0;--bar:#1d3c5c;--good:#17351f;--bad:#45211b";

    public const string Css = $$$"""
        :root{color-scheme:light dark;{{{Light}}}}
        @media (prefers-color-scheme:dark){:root{ {{{Dark}}} }}
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;-webkit-text-size-adjust:100%}
        main{max-width:980px;margin:0 auto;padding:28px 16px 56px}
        h1{font-size:clamp(1.6rem,5.5vw,2.4rem);line-height:1.15;letter-spacing:-.01em;margin:.15em 0 .35em}
        h2{font-size:1.25rem;line-height:1.3;margin:2.6em 0 .8em;padding-bottom:.3em;border-bottom:1px solid var(--rule)}
        h3{font-size:1rem;margin:0 0 .2em}
        p{margin:.4em 0 .9em;max-width:44em}
        .eyebrow{margin:0;color:var(--soft);font-size:.9rem}.lead{font-size:1.08rem}
        .banner,.warnings{background:var(--bad);padding:.8em 1em;border-radius:8px;max-width:none}
        .notes{background:var(--card);padding:.8em 1em;border-radius:8px}
        ul.notes,ul.warnings{list-style:none;margin:1em 0 0;overflow-wrap:anywhere}
        dl{display:grid;grid-template-columns:minmax(6em,auto) 1fr;gap:.3em 1.4em;margin:0}
        dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
        .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:1.4em 0 0}
        .card{background:var(--card);border-radius:10px;padding:.8em 1em}
        .card b{display:block;font-size:1.55rem;line-height:1.25;font-variant-numeric:tabular-nums}
        .card span{color:var(--soft);font-size:.85rem;display:block;line-height:1.35}
        .wide{overflow-x:auto}
        table{border-collapse:collapse;font-variant-numeric:tabular-nums}
        th,td{padding:.4em 1.1em .4em 0;text-align:left;border-bottom:1px solid var(--rule);vertical-align:top}
        th{font-weight:500}thead th{color:var(--soft);font-size:.9rem}.divider th{color:var(--soft);padding-top:1.2em}
        .scores{margin-bottom:1.4em}.layers{font-size:.9rem;width:100%}.layers td,.layers th{white-space:nowrap}.layers td.number,.layers th.number{text-align:right}
        .time{background:linear-gradient(270deg,var(--bar) var(--share),transparent 0);padding-right:.4em}.layers th.number,.layers td.number{padding-left:1.1em;padding-right:.4em}
        .layers tr:last-child th,.layers tr:last-child td{border-bottom:0}
        small,.small{color:var(--soft);font-size:.87rem}td small{white-space:nowrap}
        figure{margin:0}
        .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:28px 32px;align-items:start}
        .chart{width:100%;height:auto;display:block;font:13px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
        .chart text{fill:var(--soft)}.chart .title{fill:var(--ink);font-weight:600}.chart .count{font-size:10px}
        .grid,.axis{stroke:var(--rule)}.axis{stroke:var(--soft)}.mark{stroke:var(--soft);stroke-dasharray:3 4}
        .chart path{fill:none;stroke-width:2;stroke-linejoin:round}.chart path.dashed{stroke-dasharray:6 3}
        path.line0{stroke:var(--one)}path.line1{stroke:var(--two)}path.line2{stroke:var(--three)}
        .chart .line0:not(path){fill:var(--one)}.chart .line1:not(path){fill:var(--two)}.chart .line2:not(path){fill:var(--three)}
        .chart .soft{fill-opacity:.55}.chart .point{stroke:var(--paper);stroke-width:2}
        .matrices{display:flex;flex-wrap:wrap;gap:24px 48px;margin-top:28px}
        .confusion td{text-align:right;padding:.6em 1em;font-size:1.15rem;border-bottom:2px solid var(--paper);border-left:2px solid var(--paper)}
        .confusion th{border:0;font-size:.9rem;white-space:nowrap;vertical-align:middle}.confusion thead th{padding-left:1em;text-align:right}
        .confusion caption{text-align:left;font-weight:600;font-size:.92rem;padding-bottom:.4em}
        .right{background:var(--good)}.wrong{background:var(--bad)}
        .errors{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,280px),1fr));gap:22px}
        .pair{display:grid;grid-template-columns:1fr 1fr;gap:4px}.pair.single{grid-template-columns:1fr}.errors:has(.single){grid-template-columns:repeat(auto-fill,minmax(150px,1fr))}
        img{max-width:100%;display:block;border-radius:4px}.pair img{width:100%;image-rendering:auto}
        figcaption{font-size:.87rem;line-height:1.4;margin-top:.45em;overflow-wrap:anywhere}
        .sheet{min-width:600px;width:100%}
        .limits{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:18px 32px}.limits p{margin:0}
        pre{background:var(--card);padding:.9em 1.1em;border-radius:8px;white-space:pre-wrap;overflow-wrap:anywhere;font:.87rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;margin:0 0 1.4em}
        .settings{grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:.2em 32px;font-size:.9rem}
        .settings div{display:grid;grid-template-columns:10em 1fr;gap:.8em}
        footer{margin-top:3.5em;padding-top:1em;border-top:1px solid var(--rule);color:var(--soft)}
        @media (max-width:500px){dl:not(.settings){grid-template-columns:1fr;gap:0}dl:not(.settings) dd{margin-bottom:.6em}.cards{grid-template-columns:1fr 1fr}.settings div{grid-template-columns:8.5em 1fr}
        table:not(.layers):not(.confusion) :is(th,td){padding-right:.6em}td small{white-space:normal}}
        @media print{:root{color-scheme:light;{{{Light}}}}@page{margin:16mm}body{font-size:10.5pt}main{max-width:none;padding:0}h2{margin-top:1.8em;break-after:avoid}
        figure,.card,tr,.limits>div,.chart,.confusion,pre{break-inside:avoid}.charts{grid-template-columns:1fr 1fr}.errors{grid-template-columns:1fr 1fr 1fr}
        .wide{overflow:visible}.sheet{min-width:0}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
        """;
}
