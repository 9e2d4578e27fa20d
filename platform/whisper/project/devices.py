"""Prints the number of GPUs that CTranslate2 can use."""
import ctranslate2

print(ctranslate2.get_cuda_device_count())
