console.log('countersign');
