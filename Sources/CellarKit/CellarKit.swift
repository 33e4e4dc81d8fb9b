/// Everything that a Swift program needs to embed a catalog; begin with ``Project``.
@_exported public import Basics
@_exported public import BlobStore
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
