/// Everything that a Swift program needs to embed a catalog: open it, plan, run, ask, draw.
///
/// ```swift
/// import CellarKit
///
/// let catalog = try Catalog.open(at: CatalogDirectory(path: ".cellar"))
/// let graph = try StepGraph(StandardSteps.all)
/// let recipe = try RecipeFile(path: catalog.directory.recipe).read(for: graph.steps)
/// let plan = try Planner(catalog, graph: graph, recipe: recipe).plan()
/// for step in plan.summaries { print(step.step, step.stale) }
/// ```
@_exported public import Basics
@_exported public import Catalog
@_exported public import CatalogSchema
@_exported public import Cellpose
@_exported public import Diffusion
@_exported public import Engine
@_exported public import Figures
@_exported public import Pipeline
@_exported public import Rendering
@_exported public import Tensors
@_exported public import Volumes
