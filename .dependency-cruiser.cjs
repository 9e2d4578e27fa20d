/**
 * Who may import whom (docs: the layout). `make check` runs it; test/architecture.test.ts shows that each rule bites.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: 'events-are-pure',
      comment: 'The facts and their rules know zod and nothing else: no I/O, no platform, no view, not even of Node.',
      severity: 'error',
      from: { path: '^events/' },
      to: { pathNot: ['^events/', '^node_modules/zod/'] },
    },
    {
      name: 'views-fold-events',
      comment: 'A view is data and a fold over events; the engine does the rest. Only projections/index.ts knows all views.',
      severity: 'error',
      from: { path: '^projections/(?!engine/|index[.]ts$)([^/.]+)' },
      to: { pathNot: ['^events/', '^projections/engine/', '^projections/$1(/|[.]ts$)'] },
    },
    {
      name: 'engine-knows-no-domain',
      comment: 'The engine folds any view over any events: it knows the envelope, not what is in it.',
      severity: 'error',
      from: { path: '^projections/engine/' },
      to: { path: '^(events/(?!kit/)|projections/(?!engine/)|services/)' },
    },
    {
      name: 'services-meet-in-events',
      comment:
        'A service never imports another one: it runs without it, on another machine if need be. services/index.ts and docs.ts know all; services/kit/ is what they share, services/operations/ what the command line and the page do.',
      severity: 'error',
      // $2: of several services in one folder, what they share lies in its kit.
      from: { path: '^services/((lambdas|helpers)/[^/]+|[^/]+)/' },
      to: {
        path: '^services/',
        pathNot: [
          '^services/$1/',
          '^services/$2/kit/',
          '^services/kit/',
          '^services/operations/',
          '^services/(index|run|docs)[.]ts$',
        ],
      },
    },
    {
      name: 'operations-are-for-people',
      comment: 'What people do to the system is done for the command line and for the page; services at work know nothing of it.',
      severity: 'error',
      from: { path: '^(services/(?!(cli|ops|operations)/)|platform/|projections/|events/)' },
      to: { path: '^services/operations/' },
    },
    {
      name: 'the-page-runs-in-a-browser',
      comment: 'Files of the page import each other and two libraries; of the rest of the system they know types only.',
      severity: 'error',
      from: { path: '^services/ops/page/' },
      to: { pathNot: ['^services/ops/page/', '^node_modules/(preact|htm)/'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'platform-knows-no-domain',
      comment: 'Adapters know the envelope and no other domain word.',
      severity: 'error',
      from: { path: '^platform/' },
      to: { path: '^(events/(?!kit/)|projections/|services/)' },
    },
    {
      name: 'nothing-rests-on-tests',
      comment: 'What runs in production never imports tests, benchmarks or tools for developing.',
      severity: 'error',
      from: { path: '^(events|platform|projections|services|bin)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'no-cycles',
      comment: 'Files that need each other are one idea: join them, or find the third one both need.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'all-found',
      comment: 'An import that leads nowhere would slip past every other rule.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Imports of types count as well: a cycle or a word out of place is one at any time.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
}
