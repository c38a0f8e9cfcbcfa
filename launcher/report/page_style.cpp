#include "launcher/report/page_style.h"

namespace hone::report {

constinit const std::string_view kPageStyle = R"css(
:root{color-scheme:light dark;
--page:#f5f6f8;--card:#fff;--ink:#161b22;--soft:#5b6675;--edge:#e2e6ec;--grid:#e8ebf0;--wash:#eef3fb;--cross:#9aa5b4;
--good:#1a7f4b;--good-wash:#e3f4ea;--bad:#b93a32;--bad-wash:#fbe9e7;--mark:#fffaec;--mark-edge:#d9a514;
--s0:#2462c7;--s1:#d65f1f;--s2:#15836a;--s3:#b0419a;--s4:#7759c4;--s5:#98720f;--s6:#4b852b;--s7:#6a7585}
@media (prefers-color-scheme:dark){:root{
--page:#0e1116;--card:#161b22;--ink:#e6ebf2;--soft:#97a3b4;--edge:#262d37;--grid:#232a33;--wash:#1b2534;--cross:#5c6878;
--good:#58c98b;--good-wash:#14301f;--bad:#ff8b80;--bad-wash:#3a1b19;--mark:#211e14;--mark-edge:#b98d1c;
--s0:#6ba4ff;--s1:#ff9a5c;--s2:#47c7a3;--s3:#e588d0;--s4:#ae98f5;--s5:#d9b44e;--s6:#8fca6a;--s7:#9eaabb}}
.c0{--c:var(--s0)}.c1{--c:var(--s1)}.c2{--c:var(--s2)}.c3{--c:var(--s3)}
.c4{--c:var(--s4)}.c5{--c:var(--s5)}.c6{--c:var(--s6)}.c7{--c:var(--s7)}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);
font:clamp(.875rem,.83rem + .2vw,.975rem)/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
font-variant-numeric:tabular-nums}
main{max-width:80rem;margin:0 auto;padding:clamp(1rem,.5rem + 2vw,2.5rem) clamp(.75rem,.25rem + 2vw,2rem) 4rem}
h1,h2,h3,h4,p,dl,dd,figure,ul,pre{margin:0;padding:0}
h1{font-size:clamp(1.5rem,1.2rem + 1.4vw,2.25rem);line-height:1.2;letter-spacing:-.02em;overflow-wrap:anywhere;
display:flex;flex-wrap:wrap;align-items:center;gap:.4em}
h2{font-size:clamp(1.1rem,1rem + .4vw,1.35rem);letter-spacing:-.01em}
h3{font-size:1em;font-weight:650}
h4{font-size:.8em;font-weight:600;color:var(--soft)}
small{font-size:.85em}
.brand{font-weight:700;letter-spacing:.14em;text-transform:uppercase;font-size:.75em;color:var(--s0)}
.about{color:var(--soft);margin-top:.3rem;overflow-wrap:anywhere}
.state{font-size:.8125rem;font-weight:600;letter-spacing:0;line-height:1;padding:.4em .75em;border-radius:99px;
background:var(--wash);color:var(--s0)}
.state.good{background:var(--good-wash);color:var(--good)}
.state.bad{background:var(--bad-wash);color:var(--bad)}
.failure{margin-top:.75rem;padding:.6rem .8rem;border-radius:.5rem;background:var(--bad-wash);color:var(--bad);
font:.9em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
section{margin-top:clamp(1.75rem,1.2rem + 1.5vw,2.75rem)}
.heading{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 .75rem;margin-bottom:.75rem}
.heading p{color:var(--soft);font-size:.9em}
.card{background:var(--card);border:1px solid var(--edge);border-radius:.75rem}
.wide{padding:.5rem clamp(.75rem,.4rem + 1vw,1.25rem);overflow-x:auto}
header+.wide{margin-top:1.5rem}
.wide+.run{margin-top:1.25rem}
.run{margin:0 0 .5rem}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:.75rem;margin-top:1.5rem}
.tile{padding:.8rem 1rem}
.tile dt{color:var(--soft);font-size:.85em}
.tile .value{font-size:clamp(1.25rem,1.1rem + .6vw,1.6rem);font-weight:650;letter-spacing:-.02em;line-height:1.3}
.tile .note{color:var(--soft);font-size:.82em}
table{border-collapse:collapse;width:100%}
th,td{padding:.5rem .6rem;text-align:left;vertical-align:top;border-top:1px solid var(--edge)}
th:first-child,td:first-child{padding-left:0}
th:last-child,td:last-child{padding-right:0}
tr:first-child>*{border-top:0}
thead~tbody>tr:first-child>*{border-top:1px solid var(--edge)}
thead th{color:var(--soft);font-size:.85em;font-weight:500;white-space:nowrap}
tbody th{font-weight:500}
.n{text-align:right;white-space:nowrap}
.soft,.under{color:var(--soft)}
.under{display:block;font-weight:400;overflow-wrap:anywhere}
.n .under{white-space:nowrap}
.best{font-weight:700}
.group{padding-top:1rem}.group .run{margin:0}
.meter{display:block;width:clamp(2.5rem,5vw,4.5rem);height:.4rem;margin:.35rem 0 0 auto;border-radius:99px;
background:var(--grid);overflow:hidden}
.meter i{display:block;height:100%;border-radius:99px;background:var(--s7)}
.best .meter i{background:var(--s0)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));gap:.75rem}
.chart{padding:.9rem 1.1rem .7rem;min-width:0}
.chart:first-child,.chart:last-child:nth-child(even){grid-column:1/-1}
figcaption{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 .6rem;min-height:1.6em}
.unit{color:var(--soft);font-size:.85em}
.legend{display:flex;flex-wrap:wrap;gap:0 1rem;list-style:none;font-size:.85em;color:var(--soft);margin-left:auto}
.legend li{display:flex;align-items:center;min-width:0;overflow-wrap:anywhere}
.key{display:inline-block;flex:none;width:.7em;height:.7em;margin-right:.5em;border-radius:.2em;background:var(--c)}
.legend .key{width:1.3em;height:0;border-radius:0;border-top:3px solid var(--c);background:none}
.legend .key.faint{border-top-width:2px;opacity:.45}
.legend .key.dashed{border-top-style:dashed}
.plot{padding:1.6rem .4rem 1.9rem 2.9rem}
.plot>svg{display:block;width:100%;height:clamp(10rem,8rem + 7vw,13rem);overflow:visible}
.chart:first-child .plot>svg{height:clamp(12rem,9rem + 12vw,19rem)}
.plot text{font-size:.75rem;fill:var(--soft)}
.plot .y{text-anchor:end}.plot .x{text-anchor:middle}.plot .end{text-anchor:end}
.grid{stroke:var(--grid)}.base{stroke:var(--cross)}
.lines{overflow:visible}
.line{fill:none;stroke:var(--c);stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}
.line.faint{stroke-width:1.25;opacity:.38}
.line.dashed{stroke-dasharray:6 5}
.dot{fill:var(--card);stroke:var(--c);stroke-width:2}
.ring{fill:none;stroke:var(--c);stroke-width:2}
.plot .mark{fill:var(--ink);font-weight:600;paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
.tip rect{fill:transparent}
.tip line,.tip circle,.tip text{opacity:0;pointer-events:none}
.tip line{stroke:var(--cross)}
.tip circle{fill:var(--c);stroke:var(--card);stroke-width:1.5}
.plot .tip text{text-anchor:end;fill:var(--ink);white-space:pre}
.plot tspan{fill:var(--c)}
.tip:hover line,.tip:hover circle,.tip:hover text{opacity:1}
.sample{padding:1rem 1.1rem;margin-bottom:.75rem}
.sample pre{font:.9em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere;
unicode-bidi:isolate;max-height:15em;overflow-y:auto}
.answers{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(15rem,100%),1fr));gap:.6rem;margin-top:.8rem}
.answer{padding:.6rem .8rem;border-radius:.5rem;background:var(--page);border-left:3px solid var(--edge)}
.answer h4{display:flex;justify-content:space-between;gap:.5rem}
.verdict{white-space:nowrap}
.right{border-color:var(--good)}.right .verdict{color:var(--good)}
.wrong{border-color:var(--bad)}.wrong .verdict{color:var(--bad)}
.nothing{color:var(--soft);font-style:italic}
.errors .example{max-width:26rem;color:var(--soft);font-size:.9em;overflow-wrap:anywhere;unicode-bidi:isolate}
.stack{display:flex;gap:2px;height:1.75rem;margin:.75rem 0 .5rem;border-radius:.4rem;overflow:hidden}
.stack i{background:var(--c);min-width:1px}
.rest{--c:var(--cross)}
.phases .bar{width:40%;min-width:6rem}
@media (min-width:40rem){.phases tbody th{white-space:nowrap}}
.span{display:block;width:100%;height:16px;overflow:visible}
.span rect{fill:var(--c);opacity:.85}
.span line{stroke:var(--ink);stroke-width:1.5}
.settings{columns:19rem;column-gap:.75rem}
.settings .card{break-inside:avoid;padding:.8rem 1rem .4rem;margin-bottom:.75rem}
.settings h3{margin-bottom:.25rem}
.settings th,.settings td,.keys th,.keys td{padding-top:.3rem;padding-bottom:.3rem;font-size:.9em;overflow-wrap:anywhere}
.settings th,.keys tbody th{color:var(--soft);font-weight:400}
.settings th{width:38%}
.changed>*{background:var(--mark)}
.changed>th:first-child{box-shadow:inset 3px 0 var(--mark-edge);padding-left:.6rem;color:var(--ink)}
.changed>td{font-weight:600}
pre:focus-visible{outline:2px solid var(--s0);outline-offset:2px;border-radius:.2rem}
@media (max-width:52rem){.tiles{grid-template-columns:repeat(2,1fr)}}
@media (max-width:40rem){.phases .bar{display:none}}
@media print{:root{color-scheme:light;
--page:#fff;--card:#fff;--ink:#000;--soft:#444;--edge:#ccc;--grid:#e2e2e2;--wash:#eef3fb;--cross:#888;
--good:#1a7f4b;--good-wash:#fff;--bad:#b93a32;--bad-wash:#fff;--mark:#fffaec;--mark-edge:#d9a514;
--s0:#2462c7;--s1:#d65f1f;--s2:#15836a;--s3:#b0419a;--s4:#7759c4;--s5:#98720f;--s6:#4b852b;--s7:#6a7585}
body{font-size:9.5pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
main{max-width:none;padding:0}
.tiles{grid-template-columns:repeat(4,1fr)}.charts{grid-template-columns:1fr 1fr}.answers{grid-template-columns:repeat(3,1fr)}
.card,.sample,tr{break-inside:avoid}.heading{break-after:avoid}
.sample pre{max-height:none;overflow:visible}}
)css";

}  // namespace hone::report
