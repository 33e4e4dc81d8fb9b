#include "builtin_models.h"

/* #embed is of C23, which clang offers to every C. */
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char cellpose[] = {
#embed "models/builtin-cellpose.safetensors"
};
static const unsigned char structures[] = {
#embed "models/builtin-structures.safetensors"
};
static const unsigned char index_json[] = {
#embed "models/builtin-diffusion/model_index.json"
};
static const unsigned char context[] = {
#embed "models/builtin-diffusion/empty_context.safetensors"
};
static const unsigned char scheduler_json[] = {
#embed "models/builtin-diffusion/scheduler/scheduler_config.json"
};
static const unsigned char unet_json[] = {
#embed "models/builtin-diffusion/unet/config.json"
};
static const unsigned char unet[] = {
#embed "models/builtin-diffusion/unet/diffusion_pytorch_model.safetensors"
};
static const unsigned char vae_json[] = {
#embed "models/builtin-diffusion/vae/config.json"
};
static const unsigned char vae[] = {
#embed "models/builtin-diffusion/vae/diffusion_pytorch_model.safetensors"
};

#define FILE_OF(path, name) { path, name, sizeof name }

static const cellar_builtin_file files[] = {
    FILE_OF("builtin-cellpose.safetensors", cellpose),
    FILE_OF("builtin-structures.safetensors", structures),
    FILE_OF("builtin-diffusion/model_index.json", index_json),
    FILE_OF("builtin-diffusion/empty_context.safetensors", context),
    FILE_OF("builtin-diffusion/scheduler/scheduler_config.json", scheduler_json),
    FILE_OF("builtin-diffusion/unet/config.json", unet_json),
    FILE_OF("builtin-diffusion/unet/diffusion_pytorch_model.safetensors", unet),
    FILE_OF("builtin-diffusion/vae/config.json", vae_json),
    FILE_OF("builtin-diffusion/vae/diffusion_pytorch_model.safetensors", vae),
};

size_t cellar_builtin_file_count(void) { return sizeof files / sizeof files[0]; }

cellar_builtin_file cellar_builtin_file_at(size_t index) { return files[index]; }
